/**
 * The bus: a stream that keeps messages in order, drops repeats of an id, and may be wiped. Publishers see it as a NATS
 * connection, so the service's own publisher runs unchanged; nodes see it as a feed.
 */
import type { NatsConnection } from '../../../../services/shared/stores/nats/nats.ts';
import type { Random } from '../../../support/random.ts';
import type { Failures, Network, Process, Server } from '../environment/network.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';
import { type FeedHandlers, SimulatedFeed } from './bus-feed.ts';
import { BusState } from './bus-state.ts';

export type Bus = ReturnType<typeof createBus>;

const FAILURES: Failures = {
  refused: () => new Error('503'),
  lost: () => new Error('CONNECTION_CLOSED'),
  timeout: () => new Error('TIMEOUT'),
};
const CALL_LIMIT_MS = 2_000;

export function createBus(time: VirtualTime, network: Network, random: Random) {
  const bus = new BusState();
  return {
    server: bus.server,
    /** What a publisher needs of a connection. */
    connection: (from: Process) => connectionTo(bus, network, from),
    feed(from: Process, handlers: FeedHandlers): void {
      new SimulatedFeed({ ...handlers, time, network, random, bus, from });
    },
    setState: (state: Server['state']) => bus.setState(state),
    wipe: () => bus.wipe(),
  };
}

function connectionTo(bus: BusState, network: Network, from: Process): NatsConnection {
  const call = <Result>(limitMs: number, serve: () => Result) =>
    network.call({ from, to: bus.server, limitMs, failures: FAILURES, serve });
  const manager = {
    streams: {
      info: () =>
        call(CALL_LIMIT_MS, () => {
          if (bus.stream === undefined) throw new Error('stream not found');
        }),
      add: () => call(CALL_LIMIT_MS, () => void bus.addStream()),
    },
  };
  const used = {
    jetstream: () => ({
      publish: (
        _subject: string,
        payload: Uint8Array,
        { msgID, timeout }: { msgID: string; timeout: number },
      ) =>
        call(timeout, () => {
          if (!bus.store(payload, msgID)) throw FAILURES.refused();
        }),
    }),
    jetstreamManager: async () => manager,
    isClosed: () => false,
    status: () => statuses(bus.onState),
  };
  // The library's type is far wider than the few calls that the publisher makes.
  return used as unknown as NatsConnection;
}

/** Connection news until the listener stops. */
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
