import { describe, expect, test, vi } from 'vitest';
import { FETCH_COOLDOWN_MS } from '../../../../../services/shared/tokens/keys/key-set.ts';
import { gone, header, pass, REFRESH_MS, source, start, useSource } from './key-set-fixture.ts';

useSource();

describe('an answer without a usable key', () => {
  const KEEP_MS = 600_000;
  const startKept = () => start({ keepThroughEmptyMs: KEEP_MS });

  test.each([
    ['an empty set', '{"keys":[]}'],
    ['a key for encryption', '{"keys":[{"kty":"RSA","use":"enc","kid":"a","n":"AQAB","e":"AQAB"}]}'],
    ['a secret', '{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}'],
  ])('leaves the last keys in use for a while, and withdraws them then: %s', async (_, text) => {
    const onFailed = vi.fn();
    const set = start({ keepThroughEmptyMs: KEEP_MS, onFailed });
    await pass(0);
    source.text = text;
    await pass(REFRESH_MS + KEEP_MS - 5_000);
    expect(await set.find(header('a'))).toBeDefined();
    expect(onFailed).toHaveBeenCalled();
    expect(gone).toEqual([]);
    await pass(10_000);
    expect(await set.find(header('a'))).toBeUndefined();
    expect(gone).toEqual([['a']]);
  });

  test('is forgotten once the keys are there again', async () => {
    const set = startKept();
    await pass(0);
    for (let moment = 0; moment < 3; moment += 1) {
      source.text = '{"keys":[]}';
      await pass(REFRESH_MS + KEEP_MS / 2);
      source.text = undefined;
      await pass(2 * FETCH_COOLDOWN_MS);
    }
    expect(await set.find(header('a'))).toBeDefined();
    expect(gone).toEqual([]);
  });

  test('is no set of keys at the start either', async () => {
    source.text = '{"keys":[]}';
    const set = startKept();
    await pass(0);
    await expect(set.find(header('a'))).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
    source.text = undefined;
    await pass(FETCH_COOLDOWN_MS);
    expect(await set.find(header('a'))).toBeDefined();
  });

  test('withdraws the keys at once of a source that says so', async () => {
    const set = start();
    await pass(0);
    source.text = '{"keys":[]}';
    await pass(REFRESH_MS);
    expect(await set.find(header('a'))).toBeUndefined();
  });
});
