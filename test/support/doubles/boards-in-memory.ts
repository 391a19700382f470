/** Boards in memory that count as the score service does and rank as the rank service does. */
import type { MessageShape } from '@bufbuild/protobuf';
import type { PlaceQuery } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { Accepted, SubmissionSchema } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, type Reason } from '../../../services/shared/errors/app-error.ts';

export type Submission = MessageShape<typeof SubmissionSchema>;
export type Answer = Pick<Accepted, 'newScore' | 'rank' | 'version' | 'replayed'>;

interface Player {
  readonly userId: string;
  username: string;
  score: bigint;
  version: bigint;
}

interface Board {
  readonly players: Map<string, Player>;
  readonly actions: Map<string, { points: bigint; answer: Answer }>;
  epoch: bigint;
  seq: bigint;
}

export const GOOD_SIGNATURE = 'v1.k1.1800000000.good';
const MAX_RADIUS = 50;

export function createBoardsInMemory() {
  const boards = new Map<string, Board>();

  function boardOf(leaderboard: string): Board {
    const board = boards.get(leaderboard) ?? { players: new Map(), actions: new Map(), epoch: 1n, seq: 0n };
    boards.set(leaderboard, board);
    return board;
  }

  return {
    boardOf,
    accept(submission: Submission): Answer | Reason {
      if (submission.signature !== GOOD_SIGNATURE) return 'SIGNATURE_INVALID';
      const board = boardOf(submission.leaderboard);
      const key = `${submission.userId} ${submission.actionId}`;
      const known = board.actions.get(key);
      if (known !== undefined) {
        return known.points === submission.points ? { ...known.answer, replayed: true } : 'ACTION_CONFLICT';
      }
      const { userId, username, points } = submission;
      const player = board.players.get(userId) ?? { userId, username, score: 0n, version: 0n };
      board.players.set(userId, player);
      Object.assign(player, { username, score: player.score + points, version: player.version + 1n });
      board.seq += 1n;
      const rank = rankedPlayers(board).find((entry) => entry.userId === userId)?.rank ?? 0n;
      const answer = { newScore: player.score, rank, version: player.version, replayed: false };
      board.actions.set(key, { points, answer });
      return answer;
    },
    placeOf({ leaderboard, userId, radius, minVersion }: PlaceQuery) {
      const entries = rankedPlayers(boardOf(leaderboard));
      const index = entries.findIndex((entry) => entry.userId === userId);
      const entry = entries[index];
      if (entry === undefined) return new AppError('PLAYER_NOT_FOUND');
      if (entry.version < minVersion) return new AppError('VERSION_NOT_REACHED');
      if (radius > MAX_RADIUS) return new AppError('LIMIT_INVALID');
      const around = entries.slice(Math.max(0, index - radius), index + radius + 1);
      return { entry, version: entry.version, players: BigInt(entries.length), entries: around };
    },
    /** The board starts again in a lower epoch, as after a lost index. */
    loseIndex(leaderboard = 'global') {
      Object.assign(boardOf(leaderboard), { epoch: 0n, seq: 1n });
    },
  };
}

export function rankedPlayers({ players }: Pick<Board, 'players'>) {
  return [...players.values()]
    .sort((a, b) => (a.score === b.score ? (a.userId < b.userId ? -1 : 1) : a.score > b.score ? -1 : 1))
    .map((player, index) => ({ ...player, rank: BigInt(index + 1) }));
}
