/** Score and rank services in memory that count like the real ones and fail when told. */
import type { MessageShape } from '@bufbuild/protobuf';
import type { PlaceQuery, RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { Accepted, ScoreService, SubmissionSchema } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, type Reason } from '../../services/shared/errors/app-error.ts';
import { ERROR_TABLE } from '../../services/shared/errors/error-table.ts';
import type { CallContext, Handlers } from '../../services/shared/grpc/grpc.ts';

type Submission = MessageShape<typeof SubmissionSchema>;
type Answer = Pick<Accepted, 'newScore' | 'rank' | 'version' | 'replayed'>;

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

export function createScoreDouble() {
  const boards = new Map<string, Board>();
  const batches: Submission[][] = [];
  const contexts: CallContext[] = [];
  let refusal: AppError | undefined;
  let held: Promise<void> | undefined;
  let letGo: (() => void) | undefined;
  let stale = false;
  let topReads = 0;

  function boardOf(leaderboard: string): Board {
    const board = boards.get(leaderboard) ?? { players: new Map(), actions: new Map(), epoch: 1n, seq: 0n };
    boards.set(leaderboard, board);
    return board;
  }

  /** What every method goes through first. */
  async function pass(context: CallContext): Promise<void> {
    contexts.push(context);
    await held;
    if (refusal !== undefined) throw refusal;
  }

  const ranked = (board: Board) =>
    [...board.players.values()]
      .sort((a, b) => (a.score === b.score ? (a.userId < b.userId ? -1 : 1) : a.score > b.score ? -1 : 1))
      .map((player, index) => ({ ...player, rank: BigInt(index + 1) }));

  function accept(submission: Submission): Answer | Reason {
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
    const rank = ranked(board).find((entry) => entry.userId === userId)?.rank ?? 0n;
    const answer = { newScore: player.score, rank, version: player.version, replayed: false };
    board.actions.set(key, { points, answer });
    return answer;
  }

  function toOutcome(result: Answer | Reason) {
    if (typeof result === 'object') return { result: { case: 'accepted' as const, value: result } };
    return { result: { case: 'refused' as const, value: toRefused(new AppError(result)) } };
  }

  const toRefused = ({ kind, reason, message }: AppError) => ({
    code: ERROR_TABLE[kind].code,
    reason,
    message,
  });

  function placeOf({ leaderboard, userId, radius, minVersion }: PlaceQuery) {
    const entries = ranked(boardOf(leaderboard));
    const index = entries.findIndex((entry) => entry.userId === userId);
    const entry = entries[index];
    if (entry === undefined) return new AppError('PLAYER_NOT_FOUND');
    if (entry.version < minVersion) return new AppError('VERSION_NOT_REACHED');
    if (radius > 50) return new AppError('LIMIT_INVALID');
    const around = entries.slice(Math.max(0, index - radius), index + radius + 1);
    return { entry, version: entry.version, players: BigInt(entries.length), entries: around, stale };
  }

  const handlers: Handlers<typeof ScoreService> = {
    // Only asked whether the service is there.
    submitScore: () => Promise.reject(new AppError('BATCH_SIZE_INVALID')),
    async submitScores({ submissions }, context) {
      batches.push(submissions);
      await pass(context);
      const outcomes = submissions.map((submission) => toOutcome(accept(submission)));
      const names = [...new Set(submissions.map(({ leaderboard }) => leaderboard))];
      return {
        outcomes,
        boards: names.map((leaderboard) => {
          const { epoch, seq } = boardOf(leaderboard);
          return { leaderboard, epoch, seq };
        }),
      };
    },
  };

  const refuseCaller = () => Promise.reject(new AppError('CALLER_NOT_ALLOWED'));
  const rankHandlers: Handlers<typeof RankService> = {
    async getTop({ leaderboard, limit }, context) {
      topReads += 1;
      await pass(context);
      if (limit > 100) throw new AppError('LIMIT_INVALID');
      const board = boardOf(leaderboard === '' ? 'global' : leaderboard);
      const { epoch, seq } = board;
      return { entries: ranked(board).slice(0, limit || 10), position: { leaderboard, epoch, seq }, stale };
    },
    getRank: refuseCaller,
    listAround: refuseCaller,
    projectStates: refuseCaller,
    async getPlaces({ queries }, context) {
      await pass(context);
      return {
        outcomes: queries.map((query) => {
          const result = placeOf(query);
          return result instanceof AppError
            ? { result: { case: 'refused' as const, value: toRefused(result) } }
            : { result: { case: 'place' as const, value: result } };
        }),
      };
    },
  };

  return {
    handlers,
    rankHandlers,
    /** Every batch that arrived, also those that were refused or held. */
    batches,
    /** What each call said about itself. */
    contexts,
    get topReads() {
      return topReads;
    },
    get submissions() {
      return batches.flat();
    },
    /** From now on every call is refused; undefined ends it. */
    refuseWith(reason: Reason | undefined) {
      refusal = reason === undefined ? undefined : new AppError(reason, { retryAfterMs: 1_500 });
    },
    setStale(isStale: boolean) {
      stale = isStale;
    },
    /** Calls wait from now on until `release`. */
    hold() {
      held = new Promise((resolve) => {
        letGo = resolve;
      });
    },
    release() {
      letGo?.();
      held = undefined;
    },
    /** The board begins to count anew in a lower epoch, as after a lost index. */
    loseIndex(leaderboard = 'global') {
      Object.assign(boardOf(leaderboard), { epoch: 0n, seq: 1n });
    },
  };
}
