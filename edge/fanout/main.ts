/** A fan-out process. */
import { runProcess } from '../../services/shared/process/run-process.ts';
import { parseFanoutConfig } from './config.ts';
import { startFanout } from './service.ts';

await runProcess('fanout', ({ env, log }) => startFanout(parseFanoutConfig(env), { log }));
