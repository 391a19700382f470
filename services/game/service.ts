/** Wires the demo game server: a client of auth, the rounds in memory, the public routes and the operator's side door. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createGrpcClient } from '../shared/grpc/grpc.ts';
import { startAdminServer } from '../shared/http/admin-server.ts';
import { createAddressLimiter } from '../shared/net/address-limiter.ts';
import type { RunningService } from '../shared/process/run-process.ts';
import { createLocalLimiter } from '../shared/rate/gcra.ts';
import { type Clock, systemClock } from '../shared/settings/clock.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { createMetrics } from '../shared/telemetry/metrics.ts';
import { createTokenVerifier } from '../shared/tokens/token-verifier.ts';
import type { GameConfig } from './config.ts';
import { createGameMetrics } from './game-metrics.ts';
import { createConnections } from './http/connections.ts';
import { createCors } from './http/cors.ts';
import { startHttpServer } from './http/http-server.ts';
import { createRateLimit } from './http/rate-limit.ts';
import { createRoutes } from './http/routes.ts';
import { createSignIn } from './players/sign-in.ts';
import { createPlay } from './rounds/play.ts';
import { createRoundStore } from './rounds/round-store.ts';
import { createActionSigner } from './rounds/sign-action.ts';

export interface GameServer extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

/** A school class that taps as fast as it can: 200 a second. A look at a forged token costs a tenth of a millisecond. */
const ADDRESS_CALLS = { perMinute: 12_000, burst: 2_000 };
/** A round takes a person several seconds, a token is renewed every few minutes. */
const PLAYER_CALLS = { perMinute: 60, burst: 20 };

export async function startGame(
  config: GameConfig,
  {
    log,
    clock = systemClock,
    monotonicMs = () => performance.now(),
  }: { log: Log; clock?: Clock; monotonicMs?: () => number },
): Promise<GameServer> {
  const opened: (() => void | Promise<void>)[] = [];
  const stop = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const registry = createMetrics('game');
    const auth = createGrpcClient(AuthService, {
      address: config.authAddress,
      ...config.identity,
      unavailable: 'AUTH_UNAVAILABLE',
    });
    opened.push(() => auth.close());
    const verifier = createTokenVerifier({ policy: config.tokenPolicy, auth, clock, log });
    opened.push(() => verifier.close());
    const rounds = createRoundStore({ monotonicMs });
    const metrics = createGameMetrics(registry, rounds);
    const admin = await startAdminServer({
      host: config.adminHost,
      port: config.adminPort,
      metrics: registry,
      readiness: () => ({ keys: verifier.ready() }),
      log,
    });
    opened.push(() => admin.close());
    const { perMinute, exempt } = config.signIns;
    const server = await startHttpServer({
      host: config.host,
      port: config.port,
      routes: createRoutes({
        verifier,
        signIn: createSignIn(auth),
        play: createPlay({
          rounds,
          signAction: createActionSigner(auth, metrics.signed),
          monotonicMs,
          onStart: metrics.started,
          onJudged: metrics.judged,
        }),
        addressLimit: createRateLimit({ ...ADDRESS_CALLS, limiter: createAddressLimiter(monotonicMs) }),
        signInLimit: createRateLimit({
          perMinute,
          burst: perMinute,
          limiter: createAddressLimiter(monotonicMs),
        }),
        exempt,
        playerLimit: createRateLimit({ ...PLAYER_CALLS, limiter: createLocalLimiter(monotonicMs) }),
      }),
      cors: createCors(config.allowedOrigins),
      trustedProxies: config.trustedProxies,
      connections: createConnections({
        most: config.connections,
        isExempt: (address) => exempt.has(address) || config.trustedProxies.has(address),
      }),
      log,
      onRefused: metrics.refused,
    });
    opened.push(() => server.stop());
    return { port: server.port, adminPort: admin.port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
