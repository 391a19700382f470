/** Score and rank services over boards in memory, which a test can make refuse, wait, or call their boards stale. */
import type { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { ScoreService } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, type Reason } from '../../../services/shared/errors/app-error.ts';
import { ERROR_TABLE } from '../../../services/shared/errors/error-table.ts';
import type { CallContext, Handlers } from '../../../services/shared/grpc/grpc.ts';
import { createBoardsInMemory, rankedPlayers, type Submission } from './boards-in-memory.ts';

export { GOOD_SIGNATURE } from './boards-in-memory.ts';

const MAX_TOP = 100;

export function createScoreDouble() {
  const boards = createBoardsInMemory();
  const gate = createGate();
  const batches: Submission[][] = [];
  const reads = { stale: false, tops: 0 };
  return {
    handlers: scoreHandlers(boards, gate, batches),
    rankHandlers: rankHandlers(boards, gate, reads),
    /** Every batch that arrived, including those refused or held. */
    batches,
    get submissions() {
      return batches.flat();
    },
    get topReads() {
      return reads.tops;
    },
    setStale(isStale: boolean) {
      reads.stale = isStale;
    },
    loseIndex: boards.loseIndex,
    /** What each call said about itself. */
    contexts: gate.contexts,
    refuseWith: gate.refuseWith,
    hold: gate.hold,
    release: gate.release,
  };
}

type Gate = ReturnType<typeof createGate>;
type Boards = ReturnType<typeof createBoardsInMemory>;

/** Every call passes it before it is answered. */
function createGate() {
  const contexts: CallContext[] = [];
  let refusal: AppError | undefined;
  let held = Promise.withResolvers<void>();
  held.resolve();
  return {
    contexts,
    async pass(context: CallContext): Promise<void> {
      contexts.push(context);
      await held.promise;
      if (refusal !== undefined) throw refusal;
    },
    /** Every further call is refused; undefined ends it. */
    refuseWith(reason: Reason | undefined) {
      refusal = reason === undefined ? undefined : new AppError(reason, { retryAfterMs: 1_500 });
    },
    /** Further calls wait until `release`. */
    hold() {
      held = Promise.withResolvers();
    },
    release: () => held.resolve(),
  };
}

const refusedOf = ({ kind, reason, message }: AppError) => ({
  case: 'refused' as const,
  value: { code: ERROR_TABLE[kind].code, reason, message },
});

function scoreHandlers(
  boards: Boards,
  { pass }: Gate,
  batches: Submission[][],
): Handlers<typeof ScoreService> {
  return {
    // Called only to learn whether the service answers.
    submitScore: () => Promise.reject(new AppError('BATCH_SIZE_INVALID')),
    async submitScores({ submissions }, context) {
      batches.push(submissions);
      await pass(context);
      const outcomes = submissions.map((submission) => {
        const result = boards.accept(submission);
        return typeof result === 'object'
          ? { result: { case: 'accepted' as const, value: result } }
          : { result: refusedOf(new AppError(result)) };
      });
      const names = [...new Set(submissions.map(({ leaderboard }) => leaderboard))];
      return {
        outcomes,
        boards: names.map((leaderboard) => {
          const { epoch, seq } = boards.boardOf(leaderboard);
          return { leaderboard, epoch, seq };
        }),
      };
    },
  };
}

function rankHandlers(
  boards: Boards,
  { pass }: Gate,
  reads: { stale: boolean; tops: number },
): Handlers<typeof RankService> {
  const refuseCaller = () => Promise.reject(new AppError('CALLER_NOT_ALLOWED'));
  return {
    async getTop({ leaderboard, limit }, context) {
      reads.tops += 1;
      await pass(context);
      if (limit > MAX_TOP) throw new AppError('LIMIT_INVALID');
      const board = boards.boardOf(leaderboard === '' ? 'global' : leaderboard);
      const { epoch, seq } = board;
      const entries = rankedPlayers(board).slice(0, limit || 10);
      return { entries, position: { leaderboard, epoch, seq }, stale: reads.stale };
    },
    getRank: refuseCaller,
    listAround: refuseCaller,
    projectStates: refuseCaller,
    async listPlayers({ leaderboard, userIds }, context) {
      await pass(context);
      const all = rankedPlayers(boards.boardOf(leaderboard));
      const entries = all.filter(({ userId }) => userIds.includes(userId));
      return { entries, players: BigInt(all.length), stale: reads.stale };
    },
    async listEntries({ leaderboard }, context) {
      await pass(context);
      const entries = rankedPlayers(boards.boardOf(leaderboard)).slice(0, MAX_TOP);
      return { entries, players: BigInt(entries.length), stale: reads.stale };
    },
    getDeployment: refuseCaller,
    async getPlaces({ queries }, context) {
      await pass(context);
      return {
        outcomes: queries.map((query) => {
          const place = boards.placeOf(query);
          return place instanceof AppError
            ? { result: refusedOf(place) }
            : { result: { case: 'place' as const, value: { ...place, stale: reads.stale } } };
        }),
      };
    },
  };
}
