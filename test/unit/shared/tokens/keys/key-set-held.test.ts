import { beforeEach, describe, expect, test } from 'vitest';
import { FETCH_COOLDOWN_MS } from '../../../../../services/shared/tokens/keys/key-set.ts';
import { keySetJson } from '../../../auth/token-fixtures.ts';
import { a, b, header, pass, source, start, useSource } from './key-set-fixture.ts';

useSource();

describe('a key set whose source holds its answers', () => {
  const WAIT_MS = 10_000;
  /** Answers at once if the caller does not wait, and otherwise at a change or when the time is over. */
  let asked: number[];
  let change: () => void;
  const fetch = (waitMs: number): Promise<string> => {
    asked.push(waitMs);
    if (waitMs === 0 || source.down) return source.fetch();
    return new Promise<void>((resolve) => {
      change = resolve;
      setTimeout(resolve, waitMs);
    }).then(source.fetch);
  };
  const startHeld = () => start({ fetch, refreshMs: 500, waitMs: WAIT_MS });
  beforeEach(() => {
    asked = [];
  });

  test('has the first set at once, and asks again when the source answers', async () => {
    const set = startHeld();
    await pass(0);
    expect(set.held()).toBe(true);
    await pass(500 + 3 * WAIT_MS + 10);
    expect(asked).toEqual([0, WAIT_MS, WAIT_MS, WAIT_MS, WAIT_MS]);
  });

  test('has a change at once, and the next one no sooner than the rest after the request before', async () => {
    const set = startHeld();
    await pass(2_000);
    source.keys = [b];
    change();
    await pass(0);
    expect(set.json()).toBe(keySetJson(b));
    change();
    await pass(0);
    change();
    await pass(499);
    expect(asked).toHaveLength(3);
    await pass(1);
    expect(asked).toHaveLength(4);
  });

  test('fetches at once for an unknown key id, though an answer is held', async () => {
    const set = startHeld();
    await pass(FETCH_COOLDOWN_MS + 500);
    source.keys = [a, b];
    expect(await set.find(header('b'))).toBeDefined();
    expect(asked).toEqual([0, WAIT_MS, 0]);
  });

  test('asks without a wait after a failure', async () => {
    const set = startHeld();
    source.down = true;
    await pass(10_000);
    source.down = false;
    asked = [];
    await pass(FETCH_COOLDOWN_MS + 500);
    expect(asked).toEqual([0, WAIT_MS]);
    expect(set.held()).toBe(true);
  });
});
