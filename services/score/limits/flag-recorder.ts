/**
 * Writes down who stands out: players who were refused by limits again and again, and those far ahead of the others. What it
 * notes costs a submission next to nothing; a loop writes it, again and again while Postgres is away. A process that is killed
 * forgets what it has not written yet.
 */
import { AppError, type Reason } from '../../shared/errors/app-error.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { PlayerState } from '../../shared/values/board.ts';
import type { Flag, FlagsStore } from './flags-store.ts';
import { createStandOuts } from './stand-outs.ts';

export interface FlagRecorder {
  noteAnswers(
    actions: ReadonlyArray<{ leaderboard: string; userId: string }>,
    answers: readonly unknown[],
  ): void;
  noteAccepted(players: readonly PlayerState[]): void;
  start(): void;
  /** Writes what waits. */
  stop(): Promise<void>;
}

export interface FlagRecorderOptions {
  flags: Pick<FlagsStore, 'raise' | 'count'>;
  log: Log;
  metrics: Metrics;
  monotonicMs?: () => number;
}

/** A cheat is on the list within a second. */
const FLUSH_EVERY_MS = 400;
/** Once may be a slow network that brought two actions together. */
export const REFUSALS_TO_FLAG = 3;
/** Within which they count together. */
export const REFUSALS_SPAN_MS = 60_000;
/** Players and reasons held, and as many flags that wait to be written, at some 200 bytes each. */
const MAX_HELD = 10_000;
const TELLING: ReadonlySet<Reason> = new Set([
  'POINTS_OVER_CAP',
  'TOO_SOON',
  'WINDOW_ACTIONS_EXCEEDED',
  'WINDOW_POINTS_EXCEEDED',
  'PLAYER_QUARANTINED',
]);

interface Held {
  readonly leaderboard: string;
  readonly userId: string;
  readonly reason: string;
  times: number;
  readonly untilMs: number;
}

export function createFlagRecorder(options: FlagRecorderOptions): FlagRecorder {
  const { flags, log, metrics, monotonicMs = () => performance.now() } = options;
  const held = new Map<string, Held>();
  const standOuts = createStandOuts(monotonicMs);
  const unwritten = new Map<string, Flag>();
  let stored = 0;
  metrics.gauge('score_player_flags', 'Flags of players that are not cleared.', { collect: () => stored });

  function noteRefusal({ leaderboard, userId }: { leaderboard: string; userId: string }, reason: string) {
    const key = keyOf({ leaderboard, userId, reason });
    const known = held.get(key);
    if (known !== undefined) known.times += 1;
    else if (held.size < MAX_HELD) {
      held.set(key, { leaderboard, userId, reason, times: 1, untilMs: monotonicMs() + REFUSALS_SPAN_MS });
    }
  }

  function takeRefused(): Flag[] {
    const raised: Flag[] = [];
    for (const [key, { leaderboard, userId, reason, times, untilMs }] of held) {
      if (times >= REFUSALS_TO_FLAG) {
        raised.push({ leaderboard, userId, reason, times, detail: `refused ${times} times` });
      }
      if (times >= REFUSALS_TO_FLAG || untilMs <= monotonicMs()) held.delete(key);
    }
    return raised;
  }

  function takeRaised(): void {
    for (const flag of [...takeRefused(), ...standOuts.look()]) {
      log.warn(flag, 'a player stands out');
      const key = keyOf(flag);
      const waiting = unwritten.get(key);
      if (waiting !== undefined) unwritten.set(key, { ...flag, times: waiting.times + flag.times });
      else if (unwritten.size < MAX_HELD) unwritten.set(key, flag);
    }
  }

  /** What was written although the answer was lost is written again, and counts twice. */
  async function write(): Promise<void> {
    takeRaised();
    if (unwritten.size === 0) return;
    await flags.raise([...unwritten.values()]);
    unwritten.clear();
  }

  async function turn(): Promise<void> {
    await write();
    stored = await flags.count();
  }

  const loop = createLoop({ name: 'player flags', everyMs: FLUSH_EVERY_MS, run: turn, log });
  return {
    noteAnswers(actions, answers) {
      answers.forEach((answer, at) => {
        const action = actions[at];
        if (action === undefined || !(answer instanceof AppError) || !TELLING.has(answer.reason)) return;
        noteRefusal(action, answer.reason);
      });
    },
    noteAccepted: (players) => standOuts.note(players),
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await write().catch((error: unknown) =>
        log.warn({ err: error }, 'flags of players could not be written'),
      );
    },
  };
}

function keyOf({ leaderboard, userId, reason }: Pick<Flag, 'leaderboard' | 'userId' | 'reason'>): string {
  return `${leaderboard} ${userId} ${reason}`;
}
