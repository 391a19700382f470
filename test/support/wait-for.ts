/** Waits for a state, never for a time: asks again and again until the answer is there or the limit passes. */
const ASK_EVERY_MS = 10;

/**
 * What a machine that is busy with other tests adds to an answer that the product promises in time. What would never be
 * answered takes longer still. `test/fault`, which runs alone, holds answers and screens to the promised times.
 */
export const BUSY_MS = 5_000;

export async function waitFor<Answer>(
  ask: () => Answer | undefined | Promise<Answer | undefined>,
  {
    limitMs = 45_000,
    everyMs = ASK_EVERY_MS,
    describe = 'the awaited state',
  }: { limitMs?: number; everyMs?: number; describe?: string } = {},
): Promise<Answer> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpAt) throw new Error(`${describe} did not come within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
