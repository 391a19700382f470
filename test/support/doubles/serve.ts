/** Serves a double over real gRPC, to callers with these keys. */
import {
  type GrpcServer,
  type registerService,
  startGrpcServer,
} from '../../../services/shared/grpc/grpc.ts';
import type { digestServiceKeys } from '../../../services/shared/identity/service-keys.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';

export const DOUBLE_HOST = '127.0.0.1';

/** On a free port, or on one that a double had before. */
export function serveDouble(
  service: ReturnType<typeof registerService>,
  digests: ReturnType<typeof digestServiceKeys>,
  port = 0,
): Promise<GrpcServer> {
  return startGrpcServer({
    ...{ host: DOUBLE_HOST, port, services: [service], digests },
    ...{ log: createSilentLog(), metrics: createMetrics('test', { runtime: false }) },
  });
}
