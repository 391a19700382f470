/** Wires the demo game server: auth client, rounds in memory, public routes, admin server. Opens in order, closes in reverse. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createClientCalls, createGrpcClient } from '../shared/grpc/grpc.ts';
import { startAdminServer } from '../shared/http/admin-server.ts';
import { createAddressLimiter } from '../shared/net/address-limiter.ts';
import { joinHostPort } from '../shared/net/host-port.ts';
import type { RunningService } from '../shared/process/run-process.ts';
import { createLocalLimiter, type Rate } from '../shared/rate/gcra.ts';
import { createRateLimit } from '../shared/rate/rate-limit.ts';
import { type Clock, systemClock } from '../shared/settings/clock.ts';
import type { Log } from '../shared/telemetry/log.ts';
import { createMetrics } from '../shared/telemetry/metrics.ts';
import { createNameRecorder } from '../shared/tokens/players/name-recorder.ts';
import { createTokenRefusals } from '../shared/tokens/rules/token-refusals.ts';
import { createTokenVerifier } from '../shared/tokens/token-verifier.ts';
import type { GameConfig } from './config.ts';
import { createGameMetrics } from './game-metrics.ts';
import { createConnections } from './http/connections.ts';
import { createCors } from './http/cors.ts';
import { startHttpServer } from './http/http-server.ts';
import { createRoutes } from './http/routes.ts';
import { createSignIn } from './players/sign-in.ts';
import { createPlay } from './rounds/play.ts';
import { createRoundStore } from './rounds/round-store.ts';
import { createActionSigner } from './rounds/sign-action.ts';

export interface GameServer extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

/** A school class behind one address that taps as fast as it can. Verifying a forged token costs 0.1 ms. */
const ADDRESS_RATE: Rate = { perSecond: 200, burst: 2_000 };
/** A round takes a person several seconds; a token is renewed every few minutes. */
const PLAYER_RATE: Rate = { perSecond: 1, burst: 20 };
const S_PER_MINUTE = 60;

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
      calls: createClientCalls(registry),
    });
    opened.push(() => auth.close());
    const verifier = createTokenVerifier({
      policy: config.tokenPolicy,
      ...{ auth, clock, log, metrics: registry },
      onNamed: createNameRecorder({ auth, log }).note,
      onRefused: createTokenRefusals(log, registry),
    });
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
    const perAddress = (rate: Rate) =>
      createRateLimit({ policy: 'address', rate, limiter: createAddressLimiter(monotonicMs) });
    const server = await startHttpServer({
      host: config.host,
      port: config.port,
      routes: createRoutes({
        verifier,
        ownIssuer: config.tokenPolicy.issuer,
        signIn: createSignIn(auth),
        play: createPlay({
          rounds,
          signAction: createActionSigner(auth, metrics.signed),
          monotonicMs,
          onStart: metrics.started,
          onJudged: metrics.judged,
        }),
        addressLimit: perAddress(ADDRESS_RATE),
        signInLimit: perAddress({ perSecond: perMinute / S_PER_MINUTE, burst: perMinute }),
        exempt,
        playerLimit: createRateLimit({
          policy: 'user',
          rate: PLAYER_RATE,
          limiter: createLocalLimiter(monotonicMs),
        }),
      }),
      cors: createCors(config.allowedOrigins, config.allowedHeaders),
      trustedProxies: config.trustedProxies,
      connections: createConnections({
        most: config.connections,
        isExempt: (address) => exempt.has(address) || config.trustedProxies.has(address),
      }),
      log,
      onRefused: metrics.refused,
    });
    opened.push(() => server.stop());
    return {
      ...{ port: server.port, adminPort: admin.port, stop },
      address: joinHostPort(config.host, server.port),
      adminAddress: admin.address,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
