/** The inputs of one round: some of every lane and of sockets, in chunks, so that no lane has to wait for another to end. */
import fc from 'fast-check';
import type { HttpLane } from './http-inputs.ts';
import type { HttpInput } from './http-line.ts';
import type { SocketInput } from './socket-inputs.ts';

/** Inputs that are made at once: making them blocks, and answers wait meanwhile. */
const CHUNK = 25;
/** A lane is slow or busy by what it asks for: with chunks of all in turn, many are under way together. */
const CHUNKS_A_ROUND = 10;
/** A socket brings some eight messages. */
const SOCKET_INPUTS_A_CHUNK = 20;

export interface LaneInput {
  readonly lane: HttpLane;
  readonly input: HttpInput;
}

/** For one server: a chunk of each of its lanes in turn. A chunk has a seed of its own, and is made when it is asked for. */
export function* madeFor(
  server: HttpLane['server'],
  lanes: readonly HttpLane[],
  seed: number,
): Generator<LaneInput, undefined> {
  for (let at = 0; at < CHUNKS_A_ROUND; at += 1) {
    for (const [place, lane] of lanes.entries()) {
      if (lane.server !== server) continue;
      const inputs = fc.sample(lane.inputs, { numRuns: CHUNK, seed: seed + at * lanes.length + place });
      yield* inputs.map((input) => ({ lane, input }));
    }
  }
}

export function* madeForSockets(
  inputs: fc.Arbitrary<SocketInput>,
  lanes: readonly HttpLane[],
  seed: number,
): Generator<SocketInput, undefined> {
  const first = seed + CHUNKS_A_ROUND * lanes.length;
  for (let at = 0; at < CHUNKS_A_ROUND; at += 1) {
    yield* fc.sample(inputs, { numRuns: SOCKET_INPUTS_A_CHUNK, seed: first + at });
  }
}

/** How many seeds a round takes: the next begins after them. */
export const seedsOf = (lanes: readonly HttpLane[]): number => CHUNKS_A_ROUND * (lanes.length + 1);
