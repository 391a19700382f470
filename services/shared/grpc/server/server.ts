/** A gRPC server: generated services with plain handlers, the callers that each method allows, health and reflection. */
import { X509Certificate } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { CallerCheck } from '../../identity/service-identity.ts';
import { isLoopback, joinHostPort } from '../../net/host-port.ts';
import { removeStaleSocket, unixAddress } from '../../net/unix-socket.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { serverCredentials } from '../transport/credentials.ts';
import {
  KEEPALIVE_TIMEOUT_MS,
  MAX_MESSAGE_BYTES,
  methodDefinition,
  SERVER_KEEPALIVE_MS,
  type ServiceRegistration,
} from '../transport/methods.ts';
import { SESSION_LIMITS, type SessionLimits } from '../transport/session-limits.ts';
import { createAnswers } from './answers.ts';
import { createReflection } from './reflection.ts';

/** Streams one connection may have open; batching keeps real use far below. */
const MAX_CONCURRENT_STREAMS = 1000;
/** Memory that one HTTP/2 session may use, in MB. By default grpc-js removes Node's limit. */
const MAX_SESSION_MEMORY_MB = 64;
/** Longest wait for calls under way, and for clients that do not disconnect on request. Calls take a second or two. */
const STOP_LIMIT_MS = 3_000;

export type GrpcServerOptions = CallerCheck & {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** The path of a Unix socket to listen at as well. */
  socket?: string | undefined;
  services: readonly ServiceRegistration[];
  log: Log;
  metrics: Metrics;
  /** Serve reflection; on by default. */
  reflection?: boolean;
  sessions?: Pick<SessionLimits, 'maxAgeMs' | 'maxIdleMs'>;
};

export type GrpcServer = Awaited<ReturnType<typeof startGrpcServer>>;

export async function startGrpcServer(options: GrpcServerOptions) {
  const { host, services, sessions = SESSION_LIMITS } = options;
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_CONCURRENT_STREAMS,
    'grpc-node.max_session_memory': MAX_SESSION_MEMORY_MB,
    'grpc.keepalive_time_ms': SERVER_KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.max_connection_age_ms': sessions.maxAgeMs,
    'grpc.max_connection_age_grace_ms': STOP_LIMIT_MS,
    'grpc.max_connection_idle_ms': sessions.maxIdleMs,
  });
  const answers = createAnswers(options);
  watchCertificate(options);
  warnOfClearText(options);
  for (const registration of services) {
    const definition: Record<string, grpc.MethodDefinition<never, never>> = {};
    const implementation: Record<string, unknown> = {};
    for (const method of registration.service.methods) {
      definition[method.name] = methodDefinition(registration.service, method);
      const kind = method.methodKind === 'unary' ? 'unary' : 'conversation';
      implementation[method.name] = answers[kind](registration, method);
    }
    server.addService(definition as never, implementation as never);
  }
  const names = ['', ...services.map(({ service }) => service.typeName)];
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, 'SERVING' as const])),
  );
  health.addToServer(server);
  if (options.reflection !== false) createReflection(services).addToServer(server);

  const credentials = serverCredentials(options.tls);
  const bind = (address: string) =>
    new Promise<number>((resolve, reject) => {
      server.bindAsync(address, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  const port = await bind(joinHostPort(host, options.port));
  try {
    if (options.socket !== undefined) await bindSocket(options.socket, bind);
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
  return {
    port,
    /** Sets the answer of the health service for every service here. */
    setServing(serving: boolean): void {
      for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    /** Stops accepting, and resolves when the calls under way have been answered. */
    stop(): Promise<void> {
      for (const name of names) health.setStatus(name, 'NOT_SERVING');
      return new Promise((resolve) => {
        answers.endConversations();
        const force = setTimeout(() => server.forceShutdown(), STOP_LIMIT_MS);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      });
    },
  };
}

async function bindSocket(path: string, bind: (address: string) => Promise<number>): Promise<void> {
  await removeStaleSocket(path);
  await bind(unixAddress(path));
}

/** Service keys travel in clear text. Production mode uses certificates instead. */
function warnOfClearText({ tls, host, port, log }: GrpcServerOptions): void {
  if (tls !== undefined || isLoopback(host)) return;
  log.warn(
    { address: joinHostPort(host, port) },
    'internal port open to other machines: service keys cross the network in clear text',
  );
}

/** Certificates that are created together expire together, so those of servers show the time for all. */
function watchCertificate({ tls, metrics }: GrpcServerOptions): void {
  if (tls === undefined) return;
  const endsAtMs = Date.parse(new X509Certificate(tls.cert).validTo);
  metrics
    .gauge('grpc_certificate_ends_seconds', 'Unix time at which the certificate of the service ends.')
    .set(endsAtMs / 1000);
}
