/** The connection to one service: replaced before it is old, when it is dead, and not before its last call is answered. */
import * as grpc from '@grpc/grpc-js';
import type { ServiceIdentity } from '../identity/service-identity.ts';
import type { ServiceName } from '../identity/service-keys.ts';
import { clientCredentials } from './credentials.ts';
import { KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, MAX_MESSAGE_BYTES } from './methods.ts';
import { SESSION_LIMITS, type SessionLimits } from './session-limits.ts';

export type ChannelOptions = ServiceIdentity & {
  /** host:port */
  address: string;
  /** The reason that a caller is told when nobody answers at the address. */
  unavailable: 'AUTH_UNAVAILABLE' | 'SCORE_UNAVAILABLE' | 'RANK_UNAVAILABLE';
  sessions?: Pick<SessionLimits, 'renewAfterMs' | 'leaveAfterMs'>;
};

/** A peer that restarts in under a second should be back on the line in about that. */
const MIN_RECONNECT_BACKOFF_MS = 100;
const MAX_RECONNECT_BACKOFF_MS = 1_000;
/** Longer than a connection on any network takes, short enough to be well again within seconds. */
const CONNECT_LIMIT_MS = 2_000;
/** Whose certificate the server has to show. */
const PEERS: Readonly<Record<ChannelOptions['unavailable'], ServiceName>> = {
  AUTH_UNAVAILABLE: 'auth',
  SCORE_UNAVAILABLE: 'score',
  RANK_UNAVAILABLE: 'rank',
};

interface Channel {
  readonly client: grpc.Client;
  readonly openedAtMs: number;
  calls: number;
}

export type Channels = ReturnType<typeof createChannels>;

/** The channel that calls go over, and those before it that still have calls under way. */
export function createChannels({ address, unavailable, tls, sessions = SESSION_LIMITS }: ChannelOptions) {
  const peer = PEERS[unavailable];
  const credentials = clientCredentials(tls, peer);
  const options: grpc.ChannelOptions = {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.client_idle_timeout_ms': sessions.leaveAfterMs,
    'grpc.initial_reconnect_backoff_ms': MIN_RECONNECT_BACKOFF_MS,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
    // Retries belong to the outermost layer alone.
    'grpc.enable_retries': 0,
    // A replaced channel must not find the connection again that it was replaced for.
    'grpc.use_local_subchannel_pool': 1,
    // The address may be a number, which is no name that TLS could ask for.
    ...(tls && { 'grpc.ssl_target_name_override': peer }),
  };
  const open = (): Channel => ({
    client: new grpc.Client(address, credentials, options),
    openedAtMs: performance.now(),
    calls: 0,
  });
  let newest = open();
  let connectingSinceMs: number | undefined;

  /** The library waits for ever for a peer that takes the connection and then says nothing: such a channel is replaced. */
  function isStuck({ client }: Channel, error: Pick<grpc.ServiceError, 'code'> | null): boolean {
    const isConnecting =
      error?.code === grpc.status.DEADLINE_EXCEEDED &&
      client.getChannel().getConnectivityState(false) === grpc.connectivityState.CONNECTING;
    if (!isConnecting) {
      connectingSinceMs = undefined;
      return false;
    }
    connectingSinceMs ??= performance.now();
    return performance.now() - connectingSinceMs >= CONNECT_LIMIT_MS;
  }

  function replace(): void {
    const old = newest;
    newest = open();
    connectingSinceMs = undefined;
    if (old.calls === 0) old.client.close();
  }

  const isOld = (channel: Channel) =>
    channel !== newest || performance.now() - channel.openedAtMs >= sessions.renewAfterMs;

  return {
    isOld,
    /** For one call, to be given back at its end. */
    take(): Channel {
      if (isOld(newest)) replace();
      newest.calls += 1;
      return newest;
    },
    giveBack(channel: Channel, error: Pick<grpc.ServiceError, 'code'> | null): void {
      channel.calls -= 1;
      if (channel !== newest) {
        if (channel.calls === 0) channel.client.close();
      } else if (isStuck(channel, error)) replace();
    },
    close: () => newest.client.close(),
  };
}
