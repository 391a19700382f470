/**
 * The bus: a stream that keeps messages in order, drops repeats of an id, and may be wiped. Publishers meet it as a NATS
 * connection, so the service's own publisher runs unchanged; nodes meet it as a feed that loses nothing while it lasts.
 */
import { startOf } from '../../../edge/fanout/feed/feed.ts';
import type { NatsConnection } from '../../../services/shared/stores/nats.ts';
import type { Random } from '../random.ts';
import type { Failures, Network, Process, Server } from './network.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Bus {
  readonly server: Server;
  /** What the score service's publisher needs of a connection. */
  connection(from: Process): NatsConnection;
  feed(from: Process, onEvent: (payload: Uint8Array) => void, onChange: () => void): SimulatedFeed;
  setState(state: Server['state']): void;
  wipe(): void;
}

export interface SimulatedFeed {
  readonly healthy: boolean;
  readonly session: number;
  vouchedAtMs(): number;
}

const FAILURES: Failures = {
  refused: () => new Error('503'),
  lost: () => new Error('CONNECTION_CLOSED'),
  timeout: () => new Error('TIMEOUT'),
};
/** Two missed heartbeats end a session. */
const NOTICED_AFTER_MS = 1_000;
const REOPEN_EVERY_MS = 250;
const CALL_LIMIT_MS = 2_000;
/** A redelivered event is harmless; this share comes twice. */
const TWICE = 0.1;

export function createBus(time: VirtualTime, network: Network, random: Random): Bus {
  const server: Server = { state: 'up', life: 1 };
  let stream: { created: string; messages: Uint8Array[]; ids: Set<string> } | undefined;
  let streams = 0;
  const onStored = new Set<() => void>();
  const onState = new Set<(up: boolean) => void>();

  const call = <Result>(from: Process, limitMs: number, serve: () => Result) =>
    network.call({ from, to: server, limitMs, failures: FAILURES, serve });

  function addStream(): void {
    streams += 1;
    stream ??= { created: `s${streams}`, messages: [], ids: new Set() };
  }

  function publish(payload: Uint8Array, id: string): void {
    if (stream === undefined) throw FAILURES.refused();
    if (stream.ids.has(id)) return;
    stream.ids.add(id);
    stream.messages.push(payload);
    for (const tell of onStored) tell();
  }

  function connection(from: Process): NatsConnection {
    const manager = {
      streams: {
        info: () =>
          call(from, CALL_LIMIT_MS, () => {
            if (stream === undefined) throw new Error('stream not found');
          }),
        add: () => call(from, CALL_LIMIT_MS, addStream),
      },
    };
    const used = {
      jetstream: () => ({
        publish: (
          _subject: string,
          payload: Uint8Array,
          { msgID, timeout }: { msgID: string; timeout: number },
        ) => call(from, timeout, () => publish(payload, msgID)),
      }),
      jetstreamManager: async () => manager,
      isClosed: () => false,
      status: () => statuses(onState),
    };
    // The library's type is far wider than the few calls that the publisher makes.
    return used as unknown as NatsConnection;
  }

  function feed(from: Process, onEvent: (payload: Uint8Array) => void, onChange: () => void): SimulatedFeed {
    let cursor: { created: string; seq: number } | undefined;
    let [session, healthy, lostAtMs, sentUpTo] = [0, false, -Infinity, 0];

    function lose(noticedAfterMs: number): void {
      const lost = session;
      const sinceMs = time.nowMs();
      time.after(noticedAfterMs, () => {
        if (!from.alive || !healthy || session !== lost) return;
        healthy = false;
        lostAtMs = sinceMs;
        onChange();
      });
    }
    function deliver(): void {
      const [open, openStream] = [session, stream];
      if (!healthy || server.state !== 'up' || openStream === undefined) return;
      for (; sentUpTo < openStream.messages.length; sentUpTo += 1) {
        const seq = sentUpTo + 1;
        const payload = openStream.messages[sentUpTo];
        if (payload === undefined) continue;
        arriveInOrder(() => {
          if (!from.alive || session !== open || !healthy) return;
          cursor = { created: openStream.created, seq };
          onEvent(payload);
          if (random.chance(TWICE)) onEvent(payload);
        });
      }
    }
    let lastArrivalMs = 0;
    function arriveInOrder(arrive: () => void): void {
      lastArrivalMs = Math.max(lastArrivalMs, time.nowMs() + network.delayMs());
      time.at(lastArrivalMs, arrive);
    }
    function reopen(): void {
      if (!from.alive) return;
      time.after(REOPEN_EVERY_MS, reopen);
      if (healthy || server.state !== 'up') return;
      addStream();
      if (stream === undefined) return;
      sentUpTo = startOf(cursor, stream.created, stream.messages.length) - 1;
      cursor = { created: stream.created, seq: sentUpTo };
      session += 1;
      healthy = true;
      onChange();
      deliver();
    }
    onStored.add(deliver);
    onState.add((up) => {
      if (!up) lose(server.state === 'silent' ? NOTICED_AFTER_MS : 1);
    });
    time.after(1, reopen);
    return {
      get healthy() {
        return healthy;
      },
      get session() {
        return session;
      },
      vouchedAtMs: () => (healthy ? time.nowMs() : lostAtMs),
    };
  }

  return {
    server,
    connection,
    feed,
    setState(state) {
      server.state = state;
      for (const tell of onState) tell(state === 'up');
    },
    wipe() {
      stream = undefined;
      server.life += 1;
    },
  };
}

/** Connection news for as long as anybody listens. */
async function* statuses(onState: Set<(up: boolean) => void>): AsyncGenerator<{ type: string }> {
  const news: string[] = [];
  let wake: (() => void) | undefined;
  onState.add((up) => {
    news.push(up ? 'reconnect' : 'disconnect');
    wake?.();
  });
  for (;;) {
    const type = news.shift();
    if (type !== undefined) yield { type };
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}
