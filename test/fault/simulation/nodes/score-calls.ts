/** The score service as the edge calls it: wire messages over the simulated network. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  SubmitScoresRequestSchema,
  SubmitScoresResponseSchema,
} from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import type { Random } from '../../../support/random.ts';
import type { Network, Process } from '../environment/network.ts';
import type { ScoreNode } from './score-node.ts';
import { type CallLimit, failuresOf, type Slot } from './slot.ts';

export type ScoreSlot = Slot<ScoreNode>;

/** A client in one process. Each call goes to one of the services, chosen at random. */
export function connectScore(from: Process, slots: readonly ScoreSlot[], network: Network, random: Random) {
  const failures = failuresOf('SCORE_UNAVAILABLE');
  return {
    submitScores(request: MessageInitShape<typeof SubmitScoresRequestSchema>, { limitMs }: CallLimit) {
      const { server: to, node } = random.pick(slots);
      const serve = async () => {
        const { submissions } = create(SubmitScoresRequestSchema, request);
        const outcomes = await node.submitScores.submit(submissions, 'edge', Deadline.after(limitMs));
        return create(SubmitScoresResponseSchema, {
          outcomes: outcomes.map((outcome) => ({
            result:
              outcome instanceof AppError
                ? { case: 'refused' as const, value: { reason: outcome.reason, message: outcome.message } }
                : { case: 'accepted' as const, value: { ...outcome, rank: BigInt(outcome.rank ?? 0) } },
          })),
        });
      };
      return network.call({ from, to, limitMs, failures, serve });
    },
  };
}
