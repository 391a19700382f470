/**
 * Compares the rank index with Postgres, player by player. Both change meanwhile, so a difference counts only when no order of
 * events could explain it: the index is read before Postgres, and a player who is missing or behind must have been known with
 * that version for longer than a projection takes.
 */
import { isOnBoard, type PlayerState } from '../../shared/values/board.ts';
import type { Held, IndexContents } from '../index/index-contents.ts';
import type { TruthStore } from '../truth/truth-store.ts';

/**
 * missing: not in the index. behind: an older version. ahead: a version that was never committed. corrupt: the right
 * version with other contents, or an entry that can't be parsed. stray: a player or a place that Postgres does not have.
 */
export type DriftKind = 'missing' | 'behind' | 'ahead' | 'corrupt' | 'stray';
export const DRIFT_KINDS: readonly DriftKind[] = ['missing', 'behind', 'ahead', 'corrupt', 'stray'];

/** A player with a version that was committed a while ago. */
export interface Known {
  readonly userId: string;
  readonly version: bigint;
}

export interface Drift {
  readonly kind: DriftKind;
  readonly userId: string;
  readonly truth: PlayerState | undefined;
  readonly held: Held | undefined;
}

export type CompareIndex = ReturnType<typeof createCompareIndex>;

/** How two readings differ, without regard to their times. Undefined when they are equal. */
export function differenceOf(held: Held | undefined, truth: PlayerState): DriftKind | undefined {
  if (held === undefined) return 'missing';
  const { state } = held;
  if (state === undefined) return 'corrupt';
  if (state.version !== truth.version) return state.version < truth.version ? 'behind' : 'ahead';
  return isSameScore(state, truth) && state.username === truth.username ? undefined : 'corrupt';
}

/** A player who was renamed: the score service has not announced the name yet. The index is as right as it was. */
export function isNameOnly({ kind, held, truth }: Drift): boolean {
  const { state } = held ?? {};
  if (kind !== 'corrupt' || state === undefined || truth === undefined) return false;
  return isSameScore(state, truth);
}

/** The index does not have the points of players who are not on the board. */
function isSameScore(held: Pick<PlayerState, 'points' | 'reached'>, truth: PlayerState): boolean {
  return held.reached === truth.reached && (held.points === truth.points || !isOnBoard(truth));
}

/** How the index is wrong. `held` was read before `truth`, and `knownVersion` was committed well before that. */
export function driftOf(
  held: Held | undefined,
  truth: PlayerState | undefined,
  knownVersion: bigint,
): DriftKind | undefined {
  if (truth === undefined) return held && 'stray';
  const kind = differenceOf(held, truth);
  const isExplained = kind === 'behind' && (held?.state?.version ?? 0n) >= knownVersion;
  return isExplained ? undefined : kind;
}

export function createCompareIndex({
  contents,
  truth,
}: {
  contents: IndexContents;
  truth: Pick<TruthStore, 'states' | 'known' | 'knownBoards'>;
}) {
  async function statesOf(
    leaderboard: string,
    userIds: readonly string[],
  ): Promise<ReadonlyMap<string, PlayerState>> {
    const states = await truth.states(userIds.map((userId) => ({ leaderboard, userId })));
    return new Map(states.map((state) => [state.userId, state]));
  }

  /** Differences that no write under way can explain. `undefined` when the epoch no longer counts. */
  async function confirm(
    epoch: bigint,
    leaderboard: string,
    known: readonly Known[],
  ): Promise<Drift[] | undefined> {
    const userIds = known.map(({ userId }) => userId);
    const inspection = await contents.inspect(epoch, leaderboard, userIds);
    if (inspection === undefined) return undefined;
    const states = await statesOf(leaderboard, userIds);
    return known.flatMap(({ userId, version }, at): Drift[] => {
      const held = inspection.held[at];
      const state = states.get(userId);
      const kind = driftOf(held, state, version);
      return kind === undefined ? [] : [{ kind, userId, truth: state, held }];
    });
  }

  return {
    /** Players who differ in one reading. `undefined` when the epoch no longer counts. */
    async suspects(
      epoch: bigint,
      leaderboard: string,
      states: readonly PlayerState[],
    ): Promise<PlayerState[] | undefined> {
      const inspection = await contents.inspect(
        epoch,
        leaderboard,
        states.map(({ userId }) => userId),
      );
      return (
        inspection && states.filter((state, at) => differenceOf(inspection.held[at], state) !== undefined)
      );
    },
    confirm,
    /** Players that only the index has. `undefined` when the epoch no longer counts. */
    async unknownPlayers(
      epoch: bigint,
      leaderboard: string,
      userIds: readonly string[],
    ): Promise<Drift[] | undefined> {
      const known = new Set(await truth.known(leaderboard, userIds));
      const unknown = userIds
        .filter((userId) => !known.has(userId))
        .map((userId) => ({ userId, version: 0n }));
      if (unknown.length === 0) return [];
      const drift = await confirm(epoch, leaderboard, unknown);
      return drift?.filter(({ kind }) => kind === 'stray');
    },
    /** One page of Redis' keys, from cursor '0' on: the boards that only the index has, in order. */
    async unknownBoards(epoch: bigint, from: string): Promise<{ cursor: string; leaderboards: string[] }> {
      const { cursor, leaderboards } = await contents.scanBoards(epoch, from);
      if (leaderboards.length === 0) return { cursor, leaderboards };
      // Read after the index: a board is committed before the index has it, and never goes away.
      const known = new Set(await truth.knownBoards(leaderboards));
      return { cursor, leaderboards: leaderboards.filter((leaderboard) => !known.has(leaderboard)) };
    },
  };
}
