/** The demo game server's process. */
import { runProcess } from '../shared/run-process.ts';
import { parseGameConfig } from './config.ts';
import { startGame } from './service.ts';

await runProcess('game', ({ env, log }) => startGame(parseGameConfig(env), { log }));
