/**
 * The boards, as the score service uses them: calls to the rank service with short limits. States travel over one stream, one
 * message a batch. What rank does not project in time is reported as incomplete, and the outbox delivers it later; while rank
 * is known to be away, nothing is sent.
 */
import type { ProjectedBoard, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import {
  type Entry,
  type IndexState,
  type Player,
  type PlayerState,
  type Projected,
  toScore,
  WITHOUT_SCORE,
} from '../../shared/values/board.ts';
import { positionFromWire } from '../../shared/values/position.ts';
import type { RankWatch } from './rank-watch.ts';

export type RankBoards = ReturnType<typeof createRankBoards>;

export interface RankBoardsOptions {
  /** Projects over its stream. */
  stream: Pick<GrpcClient<typeof RankService>, 'projectStates'>;
  /** Makes a call of its own for each request, so that a slow one delays no other. */
  calls: Pick<GrpcClient<typeof RankService>, 'projectStates' | 'getPlaces'>;
  watch: Pick<RankWatch, 'isAway' | 'onFailed' | 'onBack'>;
  /** How long a submission waits for rank, in milliseconds: once for its states, and once for the ranks of repeats. */
  waitMs: number;
  log: Log;
}

/** For the sweeper: no caller waits. */
const BRING_LIMIT_MS = 2_000;
/** The most that one call may ask for. */
const PLACES_PER_CALL = 100;

export function createRankBoards({ stream, calls, watch, waitMs, log }: RankBoardsOptions) {
  const warn = createRepeatedWarning(log, 'the ranks of repeats could not be read');

  async function ranksOf(players: readonly Player[]): Promise<Array<number | undefined>> {
    const queries = players.map(({ leaderboard, userId }) => ({ leaderboard, userId }));
    try {
      const { outcomes } = await calls.getPlaces({ queries }, { limitMs: waitMs });
      return players.map((_, at) => {
        const { result } = outcomes[at] ?? {};
        const rank = result?.case === 'place' ? result.value.entry?.rank : undefined;
        return rank === undefined ? undefined : Number(rank);
      });
    } catch (error) {
      warn({ err: error });
      return players.map(() => undefined);
    }
  }

  return {
    /** False while a call would only wait until it times out. */
    ready: () => !watch.isAway(),

    /** Calls the listener whenever rank is back after it was away. */
    onReady: (listener: () => void): void => watch.onBack(listener),

    /**
     * Projects states that were just committed, with the index state that their statement read. Returns one outcome for each
     * board. Never rejects: the scores are committed.
     */
    async project(players: readonly PlayerState[], index: IndexState): Promise<Projected[]> {
      const groups = groupByLeaderboard(players);
      if (groups.length === 0) return [];
      if (!watch.isAway()) {
        try {
          const request = { index: toIndex(index), boards: groups.map(toStates) };
          const { boards } = await stream.projectStates(request, { limitMs: waitMs });
          return groups.map((group, at) => toProjected(group, boards[at]));
        } catch (error) {
          watch.onFailed(error);
        }
      }
      return groups.map((group) => ({ ...group, ...NOTHING_KNOWN }));
    },

    /** Projects states of players that the outbox names. Rejects when rank does not answer. */
    async bring(players: readonly PlayerState[]): Promise<Projected[]> {
      const groups = groupByLeaderboard(players);
      const request = { boards: groups.map(toStates) };
      const { boards } = await calls.projectStates(request, { limitMs: BRING_LIMIT_MS });
      return groups.map((group, at) => toProjected(group, boards[at]));
    },

    /** Current ranks, from 1, in the order of the players; undefined where the rank is not known in time. */
    async ranks(players: readonly Player[]): Promise<Array<number | undefined>> {
      if (watch.isAway()) return players.map(() => undefined);
      const parts: Promise<Array<number | undefined>>[] = [];
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
    // What stands for no score is no value of the board's order.
    points: players.map((player) => (player.reached === WITHOUT_SCORE ? 0n : toScore(player.points))),
    versions: players.map(({ version }) => version),
    reached: players.map(({ reached }) => reached),
    // A board has values of one sign, apart from 0, which is the same in either order.
    ascending: players.some(({ points, reached }) => reached !== WITHOUT_SCORE && points < 0n),
  };
}

function toProjected(group: Group, answer: ProjectedBoard | undefined): Projected {
  if (answer === undefined) throw new Error('the answer of rank lacks a board');
  const { ranks, top, complete, emptied } = answer;
  const position = positionFromWire(answer);
  return {
    ...group,
    ranks: ranks.length === group.players.length ? ranks : undefined,
    board:
      position !== undefined && (top.length > 0 || emptied)
        ? { position, entries: top.map(toEntry) }
        : undefined,
    position,
    complete,
  };
}

function toEntry({ userId, username, score, rank }: ProjectedBoard['top'][number]): Entry {
  return { userId, username, score, rank: Number(rank) };
}
