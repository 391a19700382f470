/** The connection to one service. It is replaced before it is old and when it is dead; the old one closes after its last call. */
import * as grpc from '@grpc/grpc-js';
import type { ServiceIdentity } from '../../identity/service-identity.ts';
import type { ServiceName } from '../../identity/service-keys.ts';
import { isUnixAddress } from '../../net/unix-socket.ts';
import { clientCredentials } from '../transport/credentials.ts';
import { KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, MAX_MESSAGE_BYTES } from '../transport/methods.ts';
import { SESSION_LIMITS, type SessionLimits } from '../transport/session-limits.ts';

export type ChannelOptions = ServiceIdentity & {
  /** The reason for calls that fail because the address does not answer. */
  unavailable: 'AUTH_UNAVAILABLE' | 'SCORE_UNAVAILABLE' | 'RANK_UNAVAILABLE';
  sessions?: Pick<SessionLimits, 'renewAfterMs' | 'leaveAfterMs'>;
};

/** A peer that restarts in under a second should be connected again in about that time. */
const MIN_RECONNECT_BACKOFF_MS = 100;
const MAX_RECONNECT_BACKOFF_MS = 1_000;
/** Longer than connecting takes on any network, and short enough to recover within seconds. */
const CONNECT_LIMIT_MS = 2_000;
/** The service whose certificate the server must present. */
export const PEERS: Readonly<Record<ChannelOptions['unavailable'], ServiceName>> = {
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

/** The channel to `ip:port` or `unix:PATH` for new calls, and earlier ones that still have calls under way. */
export function createChannels(
  address: string,
  { unavailable, tls, sessions = SESSION_LIMITS }: ChannelOptions,
) {
  const peer = PEERS[unavailable];
  const credentials = clientCredentials(tls, peer);
  const options: grpc.ChannelOptions = {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    // No network can swallow what a Unix socket carries: it closes with its peer, and a paused peer is found by the limit of a call.
    ...(!isUnixAddress(address) && {
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.keepalive_permit_without_calls': 1,
    }),
    'grpc.client_idle_timeout_ms': sessions.leaveAfterMs,
    'grpc.initial_reconnect_backoff_ms': MIN_RECONNECT_BACKOFF_MS,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
    // Only the outermost layer retries.
    'grpc.enable_retries': 0,
    // A service is never behind the proxy for the Internet that http_proxy, https_proxy or grpc_proxy name.
    'grpc.enable_http_proxy': 0,
    // A new channel must not reuse the connection that it replaces.
    'grpc.use_local_subchannel_pool': 1,
    // The address may be an IP address, which TLS can't verify by name.
    ...(tls && { 'grpc.ssl_target_name_override': peer }),
  };
  const open = (): Channel => ({
    client: new grpc.Client(address, credentials, options),
    openedAtMs: performance.now(),
    calls: 0,
  });
  let newest = open();
  let isLeaving = false;
  let connectingSinceMs: number | undefined;

  /** The library waits without limit for a peer that accepts the connection and never answers. Such a channel is replaced. */
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
    /** Connects if there is no connection. */
    state: () => newest.client.getChannel().getConnectivityState(true),
    /** Takes the channel for one call. The caller gives it back when the call ends. */
    take(): Channel {
      if (isOld(newest)) replace();
      newest.calls += 1;
      return newest;
    },
    giveBack(channel: Channel, error: Pick<grpc.ServiceError, 'code'> | null): void {
      channel.calls -= 1;
      if (channel !== newest || isLeaving) {
        if (channel.calls === 0) channel.client.close();
      } else if (isStuck(channel, error)) replace();
    },
    /** Closes when the calls under way have ended. */
    leave(): void {
      isLeaving = true;
      if (newest.calls === 0) newest.client.close();
    },
    close: () => newest.client.close(),
  };
}
