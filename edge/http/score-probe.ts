/** Whether the score service answers, for /readyz: a load balancer should not send players to an edge that is cut off. */
import type { ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import type { GrpcClient } from '../../services/shared/grpc.ts';

export interface ScoreProbe {
  answers(): boolean;
  stop(): Promise<void>;
}

const EVERY_MS = 500;
const DEADLINE_MS = 1_000;

export function startScoreProbe(score: Pick<GrpcClient<typeof ScoreService>, 'getTop'>): ScoreProbe {
  let answers = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function probe(): Promise<void> {
    answers = await score.getTop({ limit: 1 }, { deadlineMs: DEADLINE_MS }).then(
      () => true,
      () => false,
    );
    if (!stopped) timer = setTimeout(beat, EVERY_MS);
  }
  let running = Promise.resolve();
  function beat(): void {
    running = probe();
  }
  beat();

  return {
    answers: () => answers,
    stop() {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
