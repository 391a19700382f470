import { beforeEach, describe, expect, test } from 'vitest';
import {
  createHeldAnswers,
  type HeldAnswers,
  MAX_WAIT_MS,
} from '../../../../services/auth/tokens/held-answers.ts';

let version: string;
let nowMs: number;
let held: HeldAnswers;
beforeEach(() => {
  version = '1';
  nowMs = 0;
  held = createHeldAnswers(
    (known) => (known === version ? { version, unchanged: true } : { version, jwksJson: 'keys' }),
    () => nowMs,
  );
});

const UNCHANGED = { version: '1', unchanged: true };

/** Settles in the same turn as the answers that are released in it. */
async function isAnswered(answer: unknown): Promise<boolean> {
  return Promise.race([
    Promise.resolve(answer).then(() => true),
    new Promise<false>((no) => setImmediate(no, false)),
  ]);
}

describe('an answer to a verifier', () => {
  test('is given at once to one that knows another version, or does not wait', () => {
    expect(held.answer('0', 5_000)).toEqual({ version: '1', jwksJson: 'keys' });
    expect(held.answer('1', 0)).toEqual(UNCHANGED);
  });

  test('is held until the key set changes', async () => {
    const answer = held.answer('1', 5_000);
    held.release();
    expect(await isAnswered(answer)).toBe(false);
    version = '2';
    held.release();
    expect(await answer).toEqual({ version: '2', jwksJson: 'keys' });
  });

  test('is held for as long as the verifier waits, and for no longer than the limit', async () => {
    const [short, long] = [held.answer('1', 5_000), held.answer('1', 2 ** 32 - 1)];
    nowMs = 5_000;
    held.release();
    expect(await short).toEqual(UNCHANGED);
    expect(await isAnswered(long)).toBe(false);
    nowMs = MAX_WAIT_MS;
    held.release();
    expect(await long).toEqual(UNCHANGED);
  });

  test('is given at once while a thousand others are held', async () => {
    const others = Array.from({ length: 1_000 }, () => held.answer('1', 5_000));
    expect(held.answer('1', 5_000)).toEqual(UNCHANGED);
    version = '2';
    held.release();
    expect(await Promise.all(others)).toHaveLength(1_000);
    version = '1';
    expect(await isAnswered(held.answer('1', 5_000))).toBe(false);
  });

  test('is given at the end of the service, and from then on at once', async () => {
    const answer = held.answer('1', 5_000);
    held.end();
    expect(await answer).toEqual(UNCHANGED);
    expect(held.answer('1', 5_000)).toEqual(UNCHANGED);
  });
});
