/**
 * Players to compare shortly: those whose scores were just committed, and suspects of the last bands. They become due when no
 * projection of theirs can be under way any more. Bounded: when scores come faster than they can be compared, a sample is kept,
 * and the bands cover the rest.
 */
import type { PlayerState } from '../../shared/values/board.ts';

export interface RecentPlayer {
  readonly leaderboard: string;
  readonly userId: string;
  /** A version that was committed before the player became due. */
  readonly version: bigint;
}

/** Longer than a projection may take: a player who is behind after this stays behind. */
export const SETTLED_AFTER_MS = 1_000;
/** Players per step: a few milliseconds of either server. */
const STEP_PLAYERS = 1_000;
/**
 * Players of commits kept until they are due. One step is checked of those that are due together, so more than two steps' worth
 * would only be dropped, and objects that live for a second are expensive to collect.
 */
const MAX_NOTED = 2 * STEP_PLAYERS;
/** Suspects kept, at some hundred bytes each. */
const MAX_SUSPECTS = 10_000;

interface Batch {
  readonly players: readonly PlayerState[];
  readonly dueAtMs: number;
}

export type RecentPlayers = ReturnType<typeof createRecentPlayers>;

export function createRecentPlayers(monotonicMs: () => number) {
  let batches: Batch[] = [];
  let noted = 0;
  const suspects: Batch[] = [];
  let suspectCount = 0;

  /** Players of the due batches, newest first, until the step is full. A player occurs once, with the newest version. */
  function takeFrom(due: readonly Batch[]): RecentPlayer[] {
    const taken = new Map<string, RecentPlayer>();
    for (const { players } of due) {
      for (const { leaderboard, userId, version } of players) {
        if (taken.size >= STEP_PLAYERS) return [...taken.values()];
        const key = `${leaderboard} ${userId}`;
        const known = taken.get(key);
        if (known === undefined || known.version < version) taken.set(key, { leaderboard, userId, version });
      }
    }
    return [...taken.values()];
  }

  function takeSuspects(nowMs: number): RecentPlayer[] {
    const [first] = suspects;
    if (first === undefined || first.dueAtMs > nowMs) return [];
    suspects.shift();
    suspectCount -= first.players.length;
    return takeFrom([first]);
  }

  return {
    note(players: readonly PlayerState[]): void {
      if (players.length === 0 || noted >= MAX_NOTED) return;
      noted += players.length;
      batches.push({ players, dueAtMs: monotonicMs() + SETTLED_AFTER_MS });
    },
    addSuspects(players: readonly PlayerState[]): void {
      if (players.length === 0) return;
      const dueAtMs = monotonicMs() + SETTLED_AFTER_MS;
      for (let start = 0; start < players.length; start += STEP_PLAYERS) {
        suspects.push({ players: players.slice(start, start + STEP_PLAYERS), dueAtMs });
      }
      suspectCount += players.length;
    },
    /** Players for one step. Empty when no player is due. */
    takeDue(): RecentPlayer[] {
      const nowMs = monotonicMs();
      const firstYoung = batches.findIndex(({ dueAtMs }) => dueAtMs > nowMs);
      const due = firstYoung === -1 ? batches : batches.slice(0, firstYoung);
      if (due.length === 0) return takeSuspects(nowMs);
      batches = batches.slice(due.length);
      noted = batches.reduce((sum, { players }) => sum + players.length, 0);
      return takeFrom(due.toReversed());
    },
    /** True when there is no room for more suspects until some have been taken. */
    isFull: (): boolean => suspectCount >= MAX_SUSPECTS,
  };
}
