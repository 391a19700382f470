/** A process full of watching sockets. Says which position has begun to arrive, and which one its last socket has. */
import { answerCalls, sayEvent } from '../processes/calls.ts';
import { Crowd, type FollowOptions, type OpenOptions } from './crowd.ts';

export interface Seen {
  /** Since the process started. */
  frames: number;
  bytes: number;
  open: number;
  cpuShare: number;
  utilisation: number;
}

export type CrowdCalls = {
  open: (input: OpenOptions) => void;
  seen: (input: { restartMeter: boolean }) => Seen;
  follow: (input: FollowOptions) => void;
  screens: (input: { startsMs: readonly number[] }) => { latency: Uint32Array; missing: number };
  close: (input: Record<string, never>) => void;
};

/** Either of the two. */
export type Arrival = { begun: number } | { seq: number };

const crowd = new Crowd({
  onBegun: (seq) => sayEvent({ begun: seq } satisfies Arrival),
  onLast: (seq) => sayEvent({ seq } satisfies Arrival),
});

answerCalls<CrowdCalls>({
  open: (options) => crowd.open(options),
  async seen({ restartMeter }) {
    const seen = crowd.seen();
    if (restartMeter) crowd.restartMeter();
    return seen;
  },
  async follow(options) {
    crowd.follow(options);
  },
  screens: async ({ startsMs }) => crowd.screens(startsMs),
  async close() {
    crowd.close();
  },
});
