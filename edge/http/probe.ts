/** Whether a service answers, for /readyz: a load balancer should not send players to an edge that is cut off. */
import { NO_ANSWER } from '../../services/shared/stores/dependencies.ts';

export interface Probe {
  /** Why the service does not serve us; undefined while it does. */
  trouble(): string | undefined;
  stop(): Promise<void>;
}

const EVERY_MS = 500;
export const PROBE_DEADLINE_MS = 1_000;

/** Asks now and then; a resolved answer says that the service is there. */
export function startProbe(ask: () => Promise<unknown>): Probe {
  let answers = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function probe(): Promise<void> {
    answers = await ask().then(
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
    trouble: () => (answers ? undefined : NO_ANSWER),
    stop() {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
