/**
 * NAMESPACE: the name of a deployment, and the names that follow from it in NATS and Redis. Two deployments that share servers have
 * different namespaces, and no name of one is a name of the other.
 */
import { type Environment, text } from '../settings/env.ts';

/** Its names have no prefix: deployments had them before the setting existed. */
export const DEFAULT_NAMESPACE = 'scoreboard';

/** Valid in a subject and a stream of NATS, in a key and a pattern of Redis, and without a colon or a dot, which end it there. */
const NAMESPACE = /^[a-z][a-z0-9-]{0,30}$/;

export function parseNamespace(env: Environment): string {
  const namespace = text(env, 'NAMESPACE');
  if (NAMESPACE.test(namespace)) return namespace;
  throw new Error(
    `NAMESPACE must be a lower-case letter followed by at most 30 lower-case letters, digits and hyphens, not "${namespace}"`,
  );
}

const prefix = (namespace: string, end: string) => (namespace === DEFAULT_NAMESPACE ? '' : namespace + end);

export interface NatsNames {
  readonly namespace: string;
  readonly stream: string;
  /** The subject of the events of a board; `*` for those of every board. */
  subject(leaderboard: string): string;
  /** A consumer of the stream. */
  consumer(id: string): string;
}

export function natsNames(namespace: string): NatsNames {
  return {
    namespace,
    stream: `${prefix(namespace, '-')}SCORES`,
    subject: (leaderboard) => `${prefix(namespace, '.')}scores.${leaderboard}`,
    consumer: (id) => `${prefix(namespace, '-')}fanout-${id}`,
  };
}

/** The beginning of every key in Redis. */
export function redisPrefix(namespace: string): string {
  return `${prefix(namespace, ':')}sb:`;
}
