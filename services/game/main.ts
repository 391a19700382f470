/** The demo game server's process. */
import { runProcess } from '../shared/process/run-process.ts';
import { parseGameConfig } from './config.ts';
import { startGame } from './service.ts';

await runProcess('game', ({ env, log }) => startGame(parseGameConfig(env), { log }));
