/** A gRPC server: generated services plus plain handlers, each method with the services that may call it, and health. */
import { X509Certificate } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { CallerCheck } from '../identity/service-identity.ts';
import { isLoopback, joinHostPort } from '../net/host-port.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createAnswers } from './answers.ts';
import { serverCredentials } from './credentials.ts';
import {
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MAX_MESSAGE_BYTES,
  methodDefinition,
  type ServiceRegistration,
} from './methods.ts';
import { createReflection } from './reflection.ts';
import { SESSION_LIMITS, type SessionLimits } from './session-limits.ts';

/** Streams one connection may have open; batching keeps real use far below. */
const MAX_CONCURRENT_STREAMS = 1000;
/** Memory one HTTP/2 session may use, in MB; grpc-js lifts Node's limit unless told. */
const MAX_SESSION_MEMORY_MB = 64;
/** Longest wait for calls under way, and for clients that do not leave when told; calls last a second or two. */
const STOP_LIMIT_MS = 3_000;

export type GrpcServerOptions = CallerCheck & {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  services: readonly ServiceRegistration[];
  log: Log;
  metrics: Metrics;
  /** Serve reflection; on by default. */
  reflection?: boolean;
  sessions?: Pick<SessionLimits, 'maxAgeMs' | 'maxIdleMs'>;
};

export interface GrpcServer {
  readonly port: number;
  /** What the health service answers for every service here. */
  setServing(serving: boolean): void;
  /** Stops accepting and resolves when the calls under way have been answered. */
  stop(): Promise<void>;
}

export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { host, services, sessions = SESSION_LIMITS } = options;
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_CONCURRENT_STREAMS,
    'grpc-node.max_session_memory': MAX_SESSION_MEMORY_MB,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
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

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(joinHostPort(host, options.port), serverCredentials(options.tls), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    setServing(serving) {
      for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    stop() {
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

/** Service keys are readable on the way; production mode has certificates instead. */
function warnOfClearText({ tls, host, port, log }: GrpcServerOptions): void {
  if (tls !== undefined || isLoopback(host)) return;
  log.warn(
    { address: joinHostPort(host, port) },
    'internal port open to other machines: service keys cross the network in clear text',
  );
}

/** Certificates that are made together end together: those of the servers tell when. */
function watchCertificate({ tls, metrics }: GrpcServerOptions): void {
  if (tls === undefined) return;
  const endsAtMs = Date.parse(new X509Certificate(tls.cert).validTo);
  metrics
    .gauge('grpc_certificate_ends_seconds', 'Unix time at which the certificate of the service ends.')
    .set(endsAtMs / 1000);
}
