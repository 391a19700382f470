/** Many watching sockets of one process, and what they have seen together. */
import { fromBinary } from '@bufbuild/protobuf';
import { ServerFrameSchema } from '../../../gen/scoreboard/live/v1/live_pb.ts';
import { startBusyMeter } from './busy-meter.ts';
import { createHistogram } from './histogram.ts';
import { monotonicMs } from './monotonic.ts';
import { type Dialect, openWatcher, type Watcher } from './websocket.ts';

export interface OpenOptions {
  port: number;
  path: string;
  dialect: Dialect;
  sockets: number;
  /** New sockets a second: a node refuses more than it can take. */
  perSecond: number;
  /** Which 127.0.0.x the sockets come from. */
  localAddress: string;
}

/** A score whose arrival at every socket of text is timed: the first entry of the board, which grows by one step each time. */
export interface FollowOptions {
  firstScore: number;
  step: number;
  count: number;
}

/** Which sockets say what position they see: the last that was opened, and a few in between, one of which is served early. */
interface Listeners {
  /** The highest position so far has reached one of the few. */
  onBegun: (seq: number) => void;
  onLast: (seq: number) => void;
}

const SCOUTS = 16;
const OPEN_EVERY_MS = 10;
const OPEN_LIMIT_MS = 60_000;
const SEQ = Buffer.from('"seq":');
const SCORE = Buffer.from('"score":');

export class Crowd {
  private readonly watchers = new Set<Watcher>();
  private readonly listeners: Listeners;
  private following: { options: FollowOptions; arrivals: Float64Array[] } | undefined;
  private meter = startBusyMeter();
  private frames = 0;
  private bytes = 0;
  private begun = -1;

  constructor(listeners: Listeners) {
    this.listeners = listeners;
  }

  /** Resolves when all are open. */
  async open(options: OpenOptions): Promise<void> {
    const giveUpAt = monotonicMs() + OPEN_LIMIT_MS;
    const perTurn = Math.max(1, Math.floor((options.perSecond * OPEN_EVERY_MS) / 1000));
    let missing = options.sockets;
    while (missing > 0) {
      if (monotonicMs() > giveUpAt) throw new Error(`${missing} sockets could not be opened`);
      const turn = Math.min(perTurn, missing);
      const startedMs = monotonicMs();
      const tries = Array.from({ length: turn }, (_, at) =>
        this.openOne(options, options.sockets - missing + at),
      );
      missing -= (await Promise.all(tries)).filter(Boolean).length;
      const restMs = OPEN_EVERY_MS - (monotonicMs() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, restMs)));
    }
  }

  seen() {
    const { frames, bytes, meter } = this;
    return { frames, bytes, open: this.watchers.size, ...meter.read() };
  }

  restartMeter(): void {
    this.meter = startBusyMeter();
  }

  follow(options: FollowOptions): void {
    const arrivals = Array.from({ length: this.watchers.size }, () => new Float64Array(options.count));
    this.following = { options, arrivals };
  }

  /** From the sending of each score to its arrival at each socket. `missing` counts those that never arrived. */
  screens(startsMs: readonly number[]): { latency: Uint32Array; missing: number } {
    const histogram = createHistogram();
    let missing = 0;
    for (const arrivals of this.following?.arrivals ?? []) {
      for (const [index, startMs] of startsMs.entries()) {
        const arrivedMs = arrivals[index] ?? 0;
        if (arrivedMs === 0) missing += 1;
        else histogram.record(arrivedMs - startMs);
      }
    }
    this.following = undefined;
    return { latency: histogram.counts, missing };
  }

  close(): void {
    for (const watcher of [...this.watchers]) watcher.close();
  }

  /** Opens one socket; resolves with whether it was accepted. */
  private openOne(options: OpenOptions, index: number): Promise<boolean> {
    const tell = this.listenerOf(options, index);
    return new Promise((resolve) => {
      let place = -1;
      const watcher = openWatcher({
        ...options,
        onFrame: (payload) => this.see(place, tell, payload),
        onState: (isOpen) => {
          if (isOpen) {
            place = this.watchers.size;
            this.watchers.add(watcher);
          } else this.watchers.delete(watcher);
          resolve(isOpen);
        },
      });
    });
  }

  /** What the socket at this index reports of a frame; most report nothing. */
  private listenerOf(
    { dialect, sockets }: OpenOptions,
    index: number,
  ): ((payload: Buffer) => void) | undefined {
    const read = dialect === 'binary' ? seqOfBinary : seqOfText;
    if (index === sockets - 1) return (payload) => this.listeners.onLast(read(payload));
    if (index % Math.ceil(sockets / SCOUTS) !== 0) return undefined;
    return (payload) => {
      const seq = read(payload);
      if (seq <= this.begun) return;
      this.begun = seq;
      this.listeners.onBegun(seq);
    };
  }

  private see(place: number, tell: ((payload: Buffer) => void) | undefined, payload: Buffer): void {
    this.frames += 1;
    this.bytes += payload.length;
    tell?.(payload);
    const arrivals = this.following?.arrivals[place];
    if (this.following === undefined || arrivals === undefined) return;
    const { firstScore, step, count } = this.following.options;
    const newest = Math.min(count - 1, Math.floor((numberAfter(payload, SCORE) - firstScore) / step));
    // A frame shows everything before it as well: a score that was skipped arrived with it.
    for (let at = newest; at >= 0 && arrivals[at] === 0; at -= 1) arrivals[at] = monotonicMs();
  }
}

const seqOfText = (payload: Buffer) => numberAfter(payload, SEQ);

function seqOfBinary(payload: Buffer): number {
  const { value } = fromBinary(ServerFrameSchema, payload).frame;
  return value !== undefined && 'seq' in value ? Number(value.seq) : -1;
}

/** The whole number after the first appearance of a key; -1 when there is none. */
function numberAfter(payload: Buffer, key: Buffer): number {
  const at = payload.indexOf(key);
  if (at < 0) return -1;
  let number = 0;
  for (let index = at + key.length; index < payload.length; index += 1) {
    const digit = (payload[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  return number;
}
