/** Probes a service at intervals, so that /readyz can say whether it answers. */
import { NO_ANSWER } from '../../../services/shared/stores/dependencies.ts';

/** While the service answers. With the limit of a probe, /readyz tells within three seconds that it no longer does. */
const EVERY_MS = 2_000;
/** While it does not: /readyz says soon that it is back. */
const SILENT_EVERY_MS = 250;

export type Probe = ReturnType<typeof startProbe>;

/** `ask` resolves if the service answers. */
export function startProbe(ask: () => Promise<unknown>) {
  let answers = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = probe();

  async function probe(): Promise<void> {
    answers = await ask().then(
      () => true,
      () => false,
    );
    if (stopped) return;
    timer = setTimeout(
      () => {
        running = probe();
      },
      answers ? EVERY_MS : SILENT_EVERY_MS,
    );
  }

  return {
    /** Why the service does not serve us; undefined while it does. */
    trouble: (): string | undefined => (answers ? undefined : NO_ANSWER),
    /** Resolves when the probe under way has ended. */
    stop(): Promise<void> {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
