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

export function createCrowd({ onBegun, onLast }: Listeners) {
  const watchers = new Set<Watcher>();
  let open = 0;
  let frames = 0;
  let bytes = 0;
  let follow: { options: FollowOptions; arrivals: Float64Array[] } | undefined;
  let meter = startBusyMeter();
  let begun = -1;

  function scout(seq: number): void {
    if (seq <= begun) return;
    begun = seq;
    onBegun(seq);
  }

  function see(
    arrivals: () => Float64Array | undefined,
    tell: ((payload: Buffer) => void) | undefined,
    payload: Buffer,
  ): void {
    frames += 1;
    bytes += payload.length;
    tell?.(payload);
    const seen = arrivals();
    if (follow === undefined || seen === undefined) return;
    const { firstScore, step, count } = follow.options;
    const newest = Math.min(count - 1, Math.floor((numberAfter(payload, SCORE) - firstScore) / step));
    // A frame shows all that came before as well: what was skipped arrived with it.
    for (let at = newest; at >= 0 && seen[at] === 0; at -= 1) seen[at] = monotonicMs();
  }

  /** Opens one socket; resolves with whether it was taken. */
  function openOne(options: OpenOptions, index: number): Promise<boolean> {
    const read = options.dialect === 'binary' ? seqOfBinary : seqOfText;
    const isScout = index % Math.ceil(options.sockets / SCOUTS) === 0;
    const isLast = index === options.sockets - 1;
    const listener = isLast ? onLast : isScout ? scout : undefined;
    const tell = listener && ((payload: Buffer) => listener(read(payload)));
    return new Promise((resolve) => {
      let place = -1;
      const watcher = openWatcher({
        ...options,
        onFrame: (payload) => see(() => follow?.arrivals[place], tell, payload),
        onState(isOpen) {
          if (isOpen) {
            place = open;
            open += 1;
            watchers.add(watcher);
          } else if (watchers.delete(watcher)) open -= 1;
          resolve(isOpen);
        },
      });
    });
  }

  return {
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
          openOne(options, options.sockets - missing + at),
        );
        missing -= (await Promise.all(tries)).filter(Boolean).length;
        const restMs = OPEN_EVERY_MS - (monotonicMs() - startedMs);
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, restMs)));
      }
    },
    seen: () => ({ frames, bytes, open, ...meter.read() }),
    restartMeter() {
      meter = startBusyMeter();
    },
    follow(options: FollowOptions): void {
      follow = { options, arrivals: Array.from({ length: open }, () => new Float64Array(options.count)) };
    },
    /** From when each score was sent to when each socket saw it; `missing` counts those that never did. */
    screens(startsMs: readonly number[]): { latency: Uint32Array; missing: number } {
      const histogram = createHistogram();
      let missing = 0;
      for (const arrivals of follow?.arrivals ?? []) {
        for (const [index, startMs] of startsMs.entries()) {
          const arrivedMs = arrivals[index] ?? 0;
          if (arrivedMs === 0) missing += 1;
          else histogram.record(arrivedMs - startMs);
        }
      }
      follow = undefined;
      return { latency: histogram.counts, missing };
    },
    close(): void {
      for (const watcher of [...watchers]) watcher.close();
    },
  };
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
