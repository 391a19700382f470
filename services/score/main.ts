/** The score process. */
import { runProcess } from '../shared/process/run-process.ts';
import { parseScoreConfig } from './config.ts';
import { startScore } from './service.ts';

await runProcess('score', ({ env, log }) => startScore(parseScoreConfig(env), { log }));
