/** The edge process. */
import { runProcess } from '../../services/shared/process/run-process.ts';
import { parseEdgeConfig } from './config.ts';
import { startEdge } from './service.ts';

await runProcess('edge', ({ env, log }) => startEdge(parseEdgeConfig(env), { log }));
