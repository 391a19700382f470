/** Waits for /readyz of a process. */
import { Deadline } from '../../services/shared/flow/deadline.ts';
import { getDirectly } from '../../services/shared/http/get-directly.ts';

const ASK_EVERY_MS = 30;
const ASK_LIMIT_MS = 1_000;

/** Resolves when the URL answers 200 and the given dependencies are ready. Rejects when the signal aborts. */
export async function untilReady(
  url: string,
  signal: AbortSignal,
  needs: readonly string[] = [],
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const limit = AbortSignal.any([signal, Deadline.after(ASK_LIMIT_MS).signal()]);
    const ready = await getDirectly(url, limit).then(
      ({ status, body }) => {
        const { dependencies = {} } = JSON.parse(body) as { dependencies?: Record<string, boolean> };
        return status === 200 && needs.every((name) => dependencies[name] === true);
      },
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}
