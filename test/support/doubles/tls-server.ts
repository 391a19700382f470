/** A real gRPC server behind certificates of a test's own making, with a rank service in memory. */
import { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { type GrpcServer, registerService, startGrpcServer } from '../../../services/shared/grpc/grpc.ts';
import type { TlsCredentials } from '../../../services/shared/identity/service-certificate.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';
import { createScoreDouble } from './score-double.ts';

const HOST = '127.0.0.1';

export interface TlsServer {
  /** host:port */
  readonly address: string;
  /** Who was let in, call by call. */
  readonly callers: string[];
  stop(): Promise<void>;
}

/** Only the edge may call. */
export async function startTlsServer(
  tls: TlsCredentials,
  { sessions, socket }: { sessions?: { maxAgeMs: number; maxIdleMs: number }; socket?: string } = {},
): Promise<TlsServer> {
  const callers: string[] = [];
  const handlers = createScoreDouble().rankHandlers;
  const allowed = ['edge'] as const;
  const server: GrpcServer = await startGrpcServer({
    ...{ host: HOST, port: 0, socket, tls, log: createSilentLog() },
    services: [
      registerService(
        RankService,
        {
          ...handlers,
          getTop: (request, context) => {
            callers.push(context.caller);
            return handlers.getTop(request, context);
          },
        },
        {
          ...{ getTop: allowed, getRank: allowed, listAround: allowed, getPlaces: allowed },
          ...{ projectStates: allowed, getDeployment: allowed, listEntries: allowed, listPlayers: allowed },
        },
      ),
    ],
    metrics: createMetrics('test', { runtime: false }),
    ...(sessions && { sessions }),
  });
  return { address: `${HOST}:${server.port}`, callers, stop: () => server.stop() };
}
