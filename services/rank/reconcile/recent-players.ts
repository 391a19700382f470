/**
 * Players to look at again shortly: those whose scores were just committed, and those who looked wrong at first sight. They
 * become due when no projection of theirs can still be under way. Bounded: when scores come faster than they can be looked
 * at, a sample is kept, and the bands see the rest.
 */
import type { PlayerState } from '../../shared/values/board.ts';

export interface RecentPlayer {
  readonly leaderboard: string;
  readonly userId: string;
  /** Committed before the player became due. */
  readonly version: bigint;
}

export interface RecentPlayers {
  note(players: readonly PlayerState[]): void;
  addSuspects(players: readonly PlayerState[]): void;
  /** At most one step's worth; empty when nobody is due. */
  takeDue(): RecentPlayer[];
  /** No room for suspects: let those known be looked at first. */
  isFull(): boolean;
}

/** Longer than a projection may take, so that a player who is behind then will stay behind. */
export const SETTLED_AFTER_MS = 1_000;
/** One step: a few milliseconds of either server. */
const STEP_PLAYERS = 1_000;
/** Players of commits that are kept until they are due; more than a second's worth, at some 200 bytes each. */
const MAX_NOTED = 20_000;
/** Suspects kept; each is some hundred bytes. */
const MAX_SUSPECTS = 10_000;

interface Batch {
  readonly players: readonly PlayerState[];
  readonly dueAtMs: number;
}

export function createRecentPlayers(monotonicMs: () => number): RecentPlayers {
  let batches: Batch[] = [];
  let noted = 0;
  const suspects: Batch[] = [];
  let suspectCount = 0;

  /** The batches that are due, newest first, until one step is full. A player counts once, with the newest version. */
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
    note(players) {
      if (players.length === 0 || noted >= MAX_NOTED) return;
      noted += players.length;
      batches.push({ players, dueAtMs: monotonicMs() + SETTLED_AFTER_MS });
    },
    addSuspects(players) {
      if (players.length === 0) return;
      const dueAtMs = monotonicMs() + SETTLED_AFTER_MS;
      for (let start = 0; start < players.length; start += STEP_PLAYERS) {
        suspects.push({ players: players.slice(start, start + STEP_PLAYERS), dueAtMs });
      }
      suspectCount += players.length;
    },
    takeDue() {
      const nowMs = monotonicMs();
      const firstYoung = batches.findIndex(({ dueAtMs }) => dueAtMs > nowMs);
      const due = firstYoung === -1 ? batches : batches.slice(0, firstYoung);
      if (due.length === 0) return takeSuspects(nowMs);
      batches = batches.slice(due.length);
      noted = batches.reduce((sum, { players }) => sum + players.length, 0);
      return takeFrom(due.toReversed());
    },
    isFull: () => suspectCount >= MAX_SUSPECTS,
  };
}
