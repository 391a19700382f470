/** Wires the demo game server: a client of auth, the rounds in memory, the public routes and the operator's side door. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createAddressLimiter } from '../shared/address-limiter.ts';
import { startAdminServer } from '../shared/admin-server.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { createLocalLimiter } from '../shared/gcra.ts';
import { createGrpcClient } from '../shared/grpc.ts';
import type { Log } from '../shared/log.ts';
import { createMetrics } from '../shared/metrics.ts';
import type { RunningService } from '../shared/run-process.ts';
import { createTokenVerifier } from '../shared/token-verifier.ts';
import type { GameConfig } from './config.ts';
import { createConnections } from './connections.ts';
import { createCors } from './cors.ts';
import { createGameMetrics } from './game-metrics.ts';
import { startHttpServer } from './http-server.ts';
import { createPlay } from './play.ts';
import { createRateLimit } from './rate-limit.ts';
import { createRoundStore } from './round-store.ts';
import { createRoutes } from './routes.ts';
import { createActionSigner } from './sign-action.ts';
import { createSignIn } from './sign-in.ts';

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
