/** The rank service as its clients call it: wire messages over the simulated network, answered by the product's own handlers. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  GetPlacesRequestSchema,
  GetPlacesResponseSchema,
  GetTopRequestSchema,
  GetTopResponseSchema,
  ProjectStatesRequestSchema,
  ProjectStatesResponseSchema,
} from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import type { Random } from '../../../support/random.ts';
import type { Mutations } from '../environment/mutations.ts';
import type { Network, Process, Server } from '../environment/network.ts';
import type { RankNode } from './rank-node.ts';
import { type CallLimit, failuresOf, type Slot } from './slot.ts';

export type RankSlot = Slot<RankNode>;
export type RankCalls = ReturnType<typeof connectRank>;

/** A client in one process. Each call goes to one of the services, chosen at random; `link` is the network path to all of them. */
export function connectRank(
  from: Process,
  slots: readonly RankSlot[],
  network: Network,
  random: Random,
  { mutations = {}, link }: { mutations?: Mutations; link?: Server } = {},
) {
  const failures = failuresOf('RANK_UNAVAILABLE');
  function call(method: string, request: object, limitMs: number): Promise<object> {
    const slot = random.pick(slots);
    const serve = async () => {
      // What arrives at a process that is stopped waits there, and is served late.
      await slot.node.process.resumed;
      const context = {
        caller: 'score' as const,
        deadline: Deadline.after(limitMs),
        requestId: undefined,
        peer: () => 'simulated',
      };
      const answer = await slot.node.handlers[method]?.(request as never, context);
      if (answer === undefined) throw new Error(`rank has no method ${method}`);
      return answer;
    };
    const to = link === undefined || link.state === 'up' ? slot.server : link;
    return network.call({ from, to, limitMs, failures, serve });
  }
  return {
    async getTop(request: MessageInitShape<typeof GetTopRequestSchema>, { limitMs }: CallLimit) {
      const answer = await call('getTop', create(GetTopRequestSchema, request), limitMs);
      return create(GetTopResponseSchema, answer);
    },
    async getPlaces(request: MessageInitShape<typeof GetPlacesRequestSchema>, { limitMs }: CallLimit) {
      const answer = await call('getPlaces', create(GetPlacesRequestSchema, request), limitMs);
      return create(GetPlacesResponseSchema, answer);
    },
    async projectStates(
      request: MessageInitShape<typeof ProjectStatesRequestSchema>,
      { limitMs }: CallLimit,
    ) {
      const states = create(ProjectStatesRequestSchema, request);
      if (mutations.forgetsBuilding && states.index !== undefined) states.index.building = 0n;
      const answer = await call('projectStates', states, limitMs);
      return create(ProjectStatesResponseSchema, answer);
    },
  };
}
