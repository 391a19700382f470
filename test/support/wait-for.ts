/** Waits for a state, never for a time: asks again and again until the answer is there or the limit passes. */
const ASK_EVERY_MS = 10;

export async function waitFor<Answer>(
  ask: () => Answer | undefined | Promise<Answer | undefined>,
  { limitMs = 15_000, describe = 'the awaited state' }: { limitMs?: number; describe?: string } = {},
): Promise<Answer> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpAt) throw new Error(`${describe} did not come within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}
