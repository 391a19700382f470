/** The score and rank services as their callers see them: answers in the words of the wire, whichever of the processes gives them. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  GetPlacesRequestSchema,
  GetPlacesResponseSchema,
  GetTopRequestSchema,
  GetTopResponseSchema,
  ProjectStatesRequestSchema,
  ProjectStatesResponseSchema,
} from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import {
  SubmitScoresRequestSchema,
  SubmitScoresResponseSchema,
} from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, type Reason } from '../../../services/shared/errors/app-error.ts';
import type { Random } from '../random.ts';
import type { Mutations } from './mutations.ts';
import type { Failures, Network, Process, Server } from './network.ts';
import type { RankNode } from './rank-node.ts';
import type { ScoreNode } from './score-node.ts';

/** A place where a service runs, or is just being started again. */
export interface Slot<Node> {
  readonly server: Server;
  node: Node;
}
export type ScoreSlot = Slot<ScoreNode>;
export type RankSlot = Slot<RankNode>;

const failuresOf = (unavailable: Reason): Failures => ({
  refused: () => new AppError(unavailable),
  lost: () => new AppError(unavailable),
  timeout: () => new AppError('DEADLINE_EXCEEDED'),
});

interface Deadline {
  deadlineMs: number;
}

/** A client of one process; each call goes to any of the services. */
export function connectScore(from: Process, slots: readonly ScoreSlot[], network: Network, random: Random) {
  const failures = failuresOf('SCORE_UNAVAILABLE');
  return {
    submitScores(
      request: MessageInitShape<typeof SubmitScoresRequestSchema>,
      { deadlineMs: limitMs }: Deadline,
    ) {
      const { server: to, node } = random.pick(slots);
      const serve = async () => {
        const { submissions } = create(SubmitScoresRequestSchema, request);
        const outcomes = await node.submitScores.submit(submissions, 'edge', limitMs);
        return create(SubmitScoresResponseSchema, {
          outcomes: outcomes.map((outcome) => ({
            result:
              outcome instanceof AppError
                ? { case: 'refused' as const, value: { reason: outcome.reason, message: outcome.message } }
                : { case: 'accepted' as const, value: { ...outcome, rank: BigInt(outcome.rank) } },
          })),
        });
      };
      return network.call({ from, to, limitMs, failures, serve });
    },
  };
}

/** Likewise; the handlers are those of the product. */
export function connectRank(
  from: Process,
  slots: readonly RankSlot[],
  network: Network,
  random: Random,
  { mutations = {}, link }: { mutations?: Mutations /** The way to all of them. */; link?: Server } = {},
) {
  const failures = failuresOf('RANK_UNAVAILABLE');
  function call(method: string, request: object, limitMs: number): Promise<object> {
    const slot = random.pick(slots);
    const serve = async () => {
      // What arrives at a process that is stopped waits there, and is served late.
      await slot.node.process.resumed;
      const context = { caller: 'score' as const, remainingMs: limitMs, requestId: undefined };
      const answer = await slot.node.handlers[method]?.(request as never, context);
      if (answer === undefined) throw new Error(`rank has no method ${method}`);
      return answer;
    };
    const to = link === undefined || link.state === 'up' ? slot.server : link;
    return network.call({ from, to, limitMs, failures, serve });
  }
  return {
    async getTop(request: MessageInitShape<typeof GetTopRequestSchema>, { deadlineMs }: Deadline) {
      const answer = await call('getTop', create(GetTopRequestSchema, request), deadlineMs);
      return create(GetTopResponseSchema, answer);
    },
    async getPlaces(request: MessageInitShape<typeof GetPlacesRequestSchema>, { deadlineMs }: Deadline) {
      const answer = await call('getPlaces', create(GetPlacesRequestSchema, request), deadlineMs);
      return create(GetPlacesResponseSchema, answer);
    },
    async projectStates(
      request: MessageInitShape<typeof ProjectStatesRequestSchema>,
      { deadlineMs }: Deadline,
    ) {
      const states = create(ProjectStatesRequestSchema, request);
      if (mutations.forgetsBuilding && states.index !== undefined) states.index.building = 0n;
      const answer = await call('projectStates', states, deadlineMs);
      return create(ProjectStatesResponseSchema, answer);
    },
  };
}
