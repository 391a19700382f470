/** The rank process. */
import { runProcess } from '../shared/process/run-process.ts';
import { parseRankConfig } from './config.ts';
import { startRank } from './service.ts';

await runProcess('rank', ({ env, log }) => startRank(parseRankConfig(env), { log }));
