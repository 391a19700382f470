/**
 * Flags suspicious players: those whom limits refused repeatedly, and those far ahead of the others. Noting costs a submission
 * next to nothing. A loop writes the flags and retries while Postgres is away. A process that is killed loses the flags that it
 * has not written yet.
 */
import { AppError, type Reason } from '../../shared/errors/app-error.ts';
import { isolate } from '../../shared/flow/isolate.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import { isValueRefused } from '../../shared/stores/postgres/postgres-errors.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { PlayerState } from '../../shared/values/board.ts';
import type { Flag, FlagsStore } from './flags-store.ts';
import { createStandOuts } from './stand-outs.ts';

export type FlagRecorder = ReturnType<typeof createFlagRecorder>;

export interface FlagRecorderOptions {
  flags: Pick<FlagsStore, 'raise' | 'count'>;
  log: Log;
  metrics: Metrics;
  monotonicMs?: () => number;
}

/** A cheat is flagged within a second. */
const FLUSH_EVERY_MS = 400;
/** A single refusal may come from a slow network that delivered two actions together. */
export const REFUSALS_TO_FLAG = 3;
/** The time within which refusals count together. */
export const REFUSALS_SPAN_MS = 60_000;
/** Other processes and operators change the number of flags too. It is only a gauge. */
const COUNT_EVERY_MS = 10_000;
/** Most counts of refusals, and most unwritten flags, at some 200 bytes each. */
const MAX_HELD = 10_000;
const SUSPICIOUS: ReadonlySet<Reason> = new Set([
  'POINTS_OVER_CAP',
  'TOO_SOON',
  'WINDOW_ACTIONS_EXCEEDED',
  'WINDOW_POINTS_EXCEEDED',
  'PLAYER_QUARANTINED',
]);

/** Refusals of one player for one reason. */
interface Refusals {
  readonly leaderboard: string;
  readonly userId: string;
  readonly reason: string;
  times: number;
  readonly untilMs: number;
}

export function createFlagRecorder(options: FlagRecorderOptions) {
  const { flags, log, metrics, monotonicMs = () => performance.now() } = options;
  const refused = new Map<string, Refusals>();
  const standOuts = createStandOuts(monotonicMs);
  const unwritten = new Map<string, Flag>();
  let stored = 0;
  let countAtMs = -Infinity;
  metrics.gauge('score_player_flags', 'Flags of players that are not cleared.', { collect: () => stored });

  function noteRefusal({ leaderboard, userId }: { leaderboard: string; userId: string }, reason: string) {
    const key = keyOf({ leaderboard, userId, reason });
    const known = refused.get(key);
    if (known !== undefined) known.times += 1;
    else if (refused.size < MAX_HELD) {
      refused.set(key, { leaderboard, userId, reason, times: 1, untilMs: monotonicMs() + REFUSALS_SPAN_MS });
    }
  }

  function flagsOfRefused(): Flag[] {
    const raised: Flag[] = [];
    for (const [key, { leaderboard, userId, reason, times, untilMs }] of refused) {
      if (times >= REFUSALS_TO_FLAG) {
        raised.push({ leaderboard, userId, reason, times, detail: `refused ${times} times` });
      }
      if (times >= REFUSALS_TO_FLAG || untilMs <= monotonicMs()) refused.delete(key);
    }
    return raised;
  }

  function raise(): void {
    for (const flag of [...flagsOfRefused(), ...standOuts.look()]) {
      log.warn(flag, 'player flagged');
      const key = keyOf(flag);
      const before = unwritten.get(key);
      if (before !== undefined) unwritten.set(key, { ...flag, times: before.times + flag.times });
      else if (unwritten.size < MAX_HELD) unwritten.set(key, flag);
    }
  }

  const raiseAll = async (raised: readonly Flag[]): Promise<undefined[]> => {
    await flags.raise(raised);
    return raised.map(() => undefined);
  };

  /** Flags that were written although the answer was lost are written again, and count twice. */
  async function write(): Promise<void> {
    raise();
    if (unwritten.size === 0) return;
    const keys = [...unwritten.keys()];
    const outcomes = await isolate([...unwritten.values()], { run: raiseAll, isOfContents: isValueRefused });
    for (const [at, key] of keys.entries()) {
      const failure = outcomes[at];
      if (isValueRefused(failure)) log.error({ err: failure }, 'a player flag can not be stored');
      // After an outage it is written in the next turn.
      if (failure === undefined || isValueRefused(failure)) unwritten.delete(key);
    }
    countAtMs = -Infinity;
  }

  async function run(): Promise<void> {
    await write();
    if (monotonicMs() < countAtMs) return;
    stored = await flags.count();
    countAtMs = monotonicMs() + COUNT_EVERY_MS;
  }

  const loop = createLoop({ name: 'player flags', everyMs: FLUSH_EVERY_MS, run, log });
  return {
    /** Notes the refusals among the answers to a batch. */
    noteAnswers(
      actions: ReadonlyArray<{ leaderboard: string; userId: string }>,
      answers: readonly unknown[],
    ): void {
      answers.forEach((answer, at) => {
        const action = actions[at];
        if (action === undefined || !(answer instanceof AppError) || !SUSPICIOUS.has(answer.reason)) return;
        noteRefusal(action, answer.reason);
      });
    },
    /** Notes the new states of players whose actions were accepted. */
    noteAccepted: (players: readonly PlayerState[]) => standOuts.note(players),
    start(): void {
      void loop.start();
    },
    /** Writes what is not written yet. */
    async stop(): Promise<void> {
      await loop.stop();
      await write().catch((error: unknown) => log.warn({ err: error }, 'player flags could not be written'));
    },
  };
}

function keyOf({ leaderboard, userId, reason }: Pick<Flag, 'leaderboard' | 'userId' | 'reason'>): string {
  return `${leaderboard} ${userId} ${reason}`;
}
