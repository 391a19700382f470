/** A fan-out node's feed from the simulated bus. It loses nothing while it lasts, and reopens where it ended. */
import { startOf } from '../../../../edge/fanout/feed/event-consumer.ts';
import type { Random } from '../../../support/random.ts';
import type { Network, Process } from '../environment/network.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';
import type { BusState } from './bus-state.ts';

export interface FeedHandlers {
  onEvent: (payload: Uint8Array) => void;
  onOpened: () => void;
  onLost: (sinceMs: number) => void;
}

export interface FeedOptions extends FeedHandlers {
  time: VirtualTime;
  network: Network;
  random: Random;
  bus: BusState;
  from: Process;
}

/** Two missed heartbeats end a session. */
const NOTICED_AFTER_MS = 1_000;
const REOPEN_EVERY_MS = 250;
/** A redelivered event is harmless; this share comes twice. */
const TWICE = 0.1;

export class SimulatedFeed {
  private readonly options: FeedOptions;
  private cursor: { created: string; seq: number } | undefined;
  private sessions = 0;
  private isHealthy = false;
  private sentUpTo = 0;
  private lastArrivalMs = 0;

  constructor(options: FeedOptions) {
    this.options = options;
    const { bus, time } = options;
    bus.onStored.add(() => this.deliver());
    bus.onState.add((up) => {
      if (!up) this.lose(bus.server.state === 'silent' ? NOTICED_AFTER_MS : 1);
    });
    time.after(1, () => this.reopen());
  }

  private lose(noticedAfterMs: number): void {
    const { time, from, onLost } = this.options;
    const lost = this.sessions;
    const sinceMs = time.nowMs();
    time.after(noticedAfterMs, () => {
      if (!from.alive || !this.isHealthy || this.sessions !== lost) return;
      this.isHealthy = false;
      onLost(sinceMs);
    });
  }

  private deliver(): void {
    const { bus, from, onEvent, random } = this.options;
    const [open, stream] = [this.sessions, bus.stream];
    if (!this.isHealthy || bus.server.state !== 'up' || stream === undefined) return;
    for (; this.sentUpTo < stream.messages.length; this.sentUpTo += 1) {
      const seq = this.sentUpTo + 1;
      const payload = stream.messages[this.sentUpTo];
      if (payload === undefined) continue;
      this.arriveInOrder(() => {
        if (!from.alive || this.sessions !== open || !this.isHealthy) return;
        this.cursor = { created: stream.created, seq };
        onEvent(payload);
        if (random.chance(TWICE)) onEvent(payload);
      });
    }
  }

  private arriveInOrder(arrive: () => void): void {
    const { time, network } = this.options;
    this.lastArrivalMs = Math.max(this.lastArrivalMs, time.nowMs() + network.delayMs());
    time.at(this.lastArrivalMs, arrive);
  }

  private reopen(): void {
    const { bus, time, from, onOpened } = this.options;
    if (!from.alive) return;
    time.after(REOPEN_EVERY_MS, () => this.reopen());
    if (this.isHealthy || bus.server.state !== 'up') return;
    const stream = bus.addStream();
    this.sentUpTo = startOf(this.cursor, stream.created, stream.messages.length) - 1;
    this.cursor = { created: stream.created, seq: this.sentUpTo };
    this.sessions += 1;
    this.isHealthy = true;
    onOpened();
    this.deliver();
  }
}
