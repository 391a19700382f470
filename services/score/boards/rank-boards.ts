/**
 * The boards as score sees them: the rank service, asked within limits. States go over one stream, one message a batch. What rank
 * does not take in time is incomplete, and the outbox brings it later; while rank is known to be away nothing is sent.
 */
import type { ProjectedBoard, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { Board, IndexState, PlayerState, Projected } from '../../shared/values/board.ts';
import type { RankWatch } from './rank-watch.ts';

export interface Player {
  readonly leaderboard: string;
  readonly userId: string;
}

export interface RankBoards {
  /** False while asking would only wait for a limit. */
  ready(): boolean;
  /** States that were just committed, with the index that their statement read. Never throws. One outcome for each board. */
  project(players: readonly PlayerState[], index: IndexState): Promise<Projected[]>;
  /** States that were read from the outbox. Rejects when rank does not answer. */
  bring(players: readonly PlayerState[]): Promise<Projected[]>;
  /** From 1, in the order of the players; 0 where it could not be found in time. */
  ranks(players: readonly Player[]): Promise<number[]>;
}

export interface RankBoardsOptions {
  /** Projects over its stream. */
  stream: Pick<GrpcClient<typeof RankService>, 'projectStates'>;
  /** Makes a call of its own for each request, so that a slow one holds up no other. */
  calls: Pick<GrpcClient<typeof RankService>, 'projectStates' | 'getPlaces'>;
  watch: Pick<RankWatch, 'isAway' | 'onFailed'>;
  log: Log;
}

/**
 * A healthy answer takes milliseconds. What waits at the edge meanwhile is refused after 300 ms, and of those a batch's verification
 * and commit take some.
 */
const PROJECT_DEADLINE_MS = 250;
/** The rank of a repeat, after its batch may have spent the former. */
const RANKS_DEADLINE_MS = 250;
/** The sweeper's: nobody waits for it. */
const BRING_DEADLINE_MS = 2_000;
/** As many as one call may ask for. */
const PLACES_PER_CALL = 100;

export function createRankBoards({ stream, calls, watch, log }: RankBoardsOptions): RankBoards {
  const warn = createRepeatedWarning(log, 'ranks of repeats could not be found');

  async function ranksOf(players: readonly Player[]): Promise<number[]> {
    const queries = players.map(({ leaderboard, userId }) => ({ leaderboard, userId }));
    try {
      const { outcomes } = await calls.getPlaces({ queries }, { deadlineMs: RANKS_DEADLINE_MS });
      return players.map((_, at) => {
        const { result } = outcomes[at] ?? {};
        return result?.case === 'place' ? Number(result.value.entry?.rank ?? 0n) : 0;
      });
    } catch (error) {
      warn({ err: error });
      return players.map(() => 0);
    }
  }

  return {
    ready: () => !watch.isAway(),

    async project(players, index) {
      const groups = groupByLeaderboard(players);
      if (groups.length === 0) return [];
      if (!watch.isAway()) {
        try {
          const request = { index: toIndex(index), boards: groups.map(toStates) };
          const { boards } = await stream.projectStates(request, { deadlineMs: PROJECT_DEADLINE_MS });
          return groups.map((group, at) => toProjected(group, boards[at]));
        } catch (error) {
          watch.onFailed(error);
        }
      }
      return groups.map((group) => ({ ...group, ...NOTHING_KNOWN }));
    },

    async bring(players) {
      const groups = groupByLeaderboard(players);
      const request = { boards: groups.map(toStates) };
      const { boards } = await calls.projectStates(request, { deadlineMs: BRING_DEADLINE_MS });
      return groups.map((group, at) => toProjected(group, boards[at]));
    },

    async ranks(players) {
      if (watch.isAway()) return players.map(() => 0);
      const parts: Promise<number[]>[] = [];
      for (let start = 0; start < players.length; start += PLACES_PER_CALL) {
        parts.push(ranksOf(players.slice(start, start + PLACES_PER_CALL)));
      }
      return (await Promise.all(parts)).flat();
    },
  };
}

const NOTHING_KNOWN = { ranks: undefined, board: undefined, position: undefined, complete: false };

interface Group {
  readonly leaderboard: string;
  readonly players: readonly PlayerState[];
}

function groupByLeaderboard(players: readonly PlayerState[]): Group[] {
  const groups = Map.groupBy(players, ({ leaderboard }) => leaderboard);
  return [...groups].map(([leaderboard, members]) => ({ leaderboard, players: members }));
}

function toIndex({ epoch, source, building = 0n }: IndexState) {
  return { epoch, inRedis: source === 'redis', building };
}

function toStates({ leaderboard, players }: Group) {
  return {
    leaderboard,
    userIds: players.map(({ userId }) => userId),
    usernames: players.map(({ username }) => username),
    points: players.map(({ points }) => points),
    versions: players.map(({ version }) => version),
    reached: players.map(({ reached }) => reached),
  };
}

function toProjected(group: Group, answer: ProjectedBoard | undefined): Projected {
  if (answer === undefined) throw new Error('rank left out a board');
  const { ranks, epoch, seq, top, complete } = answer;
  const position = epoch === 0n ? undefined : { epoch, seq };
  const isNews = position !== undefined && top.length > 0;
  return {
    ...group,
    ranks: ranks.length === group.players.length ? ranks : undefined,
    board: isNews ? toBoard(position, top) : undefined,
    position,
    complete,
  };
}

function toBoard({ epoch, seq }: Pick<Board, 'epoch' | 'seq'>, top: ProjectedBoard['top']): Board {
  const entries = top.map(({ userId, username, score, rank }) => ({
    ...{ userId, username, score },
    rank: Number(rank),
  }));
  return { epoch, seq, entries };
}
