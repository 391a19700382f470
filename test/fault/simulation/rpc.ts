/** The score service as its callers see it: answers in the words of the wire, whichever of its processes gives them. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  GetTopResponseSchema,
  SubmitScoresRequestSchema,
  SubmitScoresResponseSchema,
} from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../services/shared/app-error.ts';
import type { Random } from '../random.ts';
import type { Failures, Network, Process, Server } from './network.ts';
import type { ScoreNode } from './score-node.ts';

/** A place where a score service runs, or is just being started again. */
export interface ScoreSlot {
  readonly server: Server;
  node: ScoreNode;
}

export const RPC_FAILURES: Failures = {
  refused: () => new AppError('SCORE_UNAVAILABLE'),
  lost: () => new AppError('SCORE_UNAVAILABLE'),
  timeout: () => new AppError('DEADLINE_EXCEEDED'),
};

const TOP_SIZE = 10;

/** A client of one process; each call goes to any of the services. */
export function connectScore(from: Process, slots: readonly ScoreSlot[], network: Network, random: Random) {
  const call = <Result>(deadlineMs: number, ask: (node: ScoreNode) => Promise<Result>) => {
    const slot = random.pick(slots);
    const serve = () => ask(slot.node);
    return network.call({ from, to: slot.server, limitMs: deadlineMs, failures: RPC_FAILURES, serve });
  };
  return {
    submitScores(
      request: MessageInitShape<typeof SubmitScoresRequestSchema>,
      options: { deadlineMs: number },
    ) {
      return call(options.deadlineMs, async ({ submitScores }) => {
        const { submissions } = create(SubmitScoresRequestSchema, request);
        const outcomes = await submitScores.submit(submissions, 'edge', options.deadlineMs);
        return create(SubmitScoresResponseSchema, {
          outcomes: outcomes.map((outcome) => ({
            result:
              outcome instanceof AppError
                ? { case: 'refused' as const, value: { reason: outcome.reason, message: outcome.message } }
                : { case: 'accepted' as const, value: { ...outcome, rank: BigInt(outcome.rank) } },
          })),
        });
      });
    },
    getTop({ leaderboard = '' }: { leaderboard?: string }, options: { deadlineMs: number }) {
      return call(options.deadlineMs, async ({ reader }) => {
        const { board, stale } = await reader.top(leaderboard, TOP_SIZE);
        return create(GetTopResponseSchema, {
          entries: board.entries.map((entry) => ({ ...entry, rank: BigInt(entry.rank) })),
          position: { leaderboard, epoch: board.epoch, seq: board.seq },
          stale,
        });
      });
    },
  };
}
