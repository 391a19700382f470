/**
 * Writes down who stands out: players who were refused by limits again and again, and those far ahead of the others. What it
 * notes costs a submission next to nothing; a loop writes it, and what could not be written is forgotten.
 */
import { AppError, type Reason } from '../shared/app-error.ts';
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { PlayerState } from './board.ts';
import type { Flag, FlagsStore } from './flags-store.ts';
import { createLoop } from './loop.ts';
import { createStandOuts } from './stand-outs.ts';

export interface FlagRecorder {
  noteAnswers(
    actions: ReadonlyArray<{ leaderboard: string; userId: string }>,
    answers: readonly unknown[],
  ): void;
  noteAccepted(players: readonly PlayerState[]): void;
  start(): void;
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
/** Players and reasons held, at some 200 bytes each. */
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
  let stored = 0;
  metrics.gauge('score_player_flags', 'Flags of players that nobody has cleared.', { collect: () => stored });

  function noteRefusal({ leaderboard, userId }: { leaderboard: string; userId: string }, reason: string) {
    const key = `${leaderboard} ${userId} ${reason}`;
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

  async function flush(): Promise<void> {
    const raised = [...takeRefused(), ...standOuts.look()];
    if (raised.length > 0) {
      for (const flag of raised) log.warn(flag, 'a player stands out');
      await flags.raise(raised);
    }
    stored = await flags.count();
  }

  const loop = createLoop({ name: 'player flags', everyMs: FLUSH_EVERY_MS, run: flush, log });
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
    stop: () => loop.stop(),
  };
}
