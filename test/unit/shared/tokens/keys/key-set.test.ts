import { describe, expect, test, vi } from 'vitest';
import { createLog } from '../../../../../services/shared/telemetry/log.ts';
import { FETCH_COOLDOWN_MS, STALE_CAP_MS } from '../../../../../services/shared/tokens/keys/key-set.ts';
import { keySetJson, makeKey } from '../../../auth/token-fixtures.ts';
import { a, b, gone, header, pass, REFRESH_MS, source, start, useSource } from './key-set-fixture.ts';

useSource();

describe('a key set', () => {
  test('is fetched at once, and found by key id', async () => {
    const set = start();
    await pass(0);
    expect(set.held()).toBe(true);
    expect(set.json()).toBe(keySetJson(a));
    expect(await set.find(header('a'))).toBeDefined();
    expect(source.fetches).toBe(1);
  });

  test('fetches once for all callers that wait for the first set', async () => {
    source.delayMs = 100;
    const set = start();
    const found = Promise.all(Array.from({ length: 1000 }, () => set.find(header('a'))));
    await pass(100);
    expect((await found).every((key) => key !== undefined)).toBe(true);
    expect(source.fetches).toBe(1);
  });

  test('retries from the beginning until its source answers', async () => {
    source.down = true;
    const set = start();
    await pass(10_000);
    expect(set.held()).toBe(false);
    source.down = false;
    await pass(FETCH_COOLDOWN_MS);
    expect(set.held()).toBe(true);
  });

  test('refuses with AUTH_UNAVAILABLE while it never held a set, and does not ask for each caller', async () => {
    source.down = true;
    const set = start();
    await pass(0);
    for (let call = 0; call < 1000; call += 1) {
      await expect(set.find(header('a'))).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
    }
    expect(source.fetches).toBe(1);
  });

  test('is refreshed in the background', async () => {
    const set = start();
    await pass(0);
    source.keys = [a, b];
    await pass(REFRESH_MS);
    expect(source.fetches).toBe(2);
    expect(await set.find(header('b'))).toBeDefined();
    expect(source.fetches).toBe(2);
  });

  test('is used while its source is down, up to the limit', async () => {
    const set = start();
    await pass(0);
    source.down = true;
    await pass(30 * 60_000);
    expect(await set.find(header('a'))).toBeDefined();
    await pass(STALE_CAP_MS - 31 * 60_000);
    expect(await set.find(header('a'))).toBeDefined();
    await pass(31 * 60_000);
    expect(set.held()).toBe(false);
    expect(set.json()).toBeUndefined();
    await expect(set.find(header('a'))).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
  });

  test('is not replaced by an answer that is no key set', async () => {
    const set = start();
    await pass(0);
    for (const text of ['', 'null', '[]', '{"keys":1}', '{"keys":[1]}', '<html>']) {
      source.text = text;
      await pass(REFRESH_MS);
      expect(set.json()).toBe(keySetJson(a));
      expect(await set.find(header('a'))).toBeDefined();
    }
  });

  test('finds a key that was published since, with one more fetch', async () => {
    const set = start();
    await pass(FETCH_COOLDOWN_MS);
    source.keys = [a, b];
    expect(await set.find(header('b'))).toBeDefined();
    expect(source.fetches).toBe(2);
  });

  test('fetches once per cool-down, however many unknown key ids arrive', async () => {
    const set = start();
    await pass(FETCH_COOLDOWN_MS);
    source.delayMs = 50;
    const storm = Promise.all(Array.from({ length: 1000 }, (_, index) => set.find(header(`x${index}`))));
    await pass(50);
    expect((await storm).every((key) => key === undefined)).toBe(true);
    for (let index = 0; index < 1000; index += 1) {
      expect(await set.find(header(`y${index}`))).toBeUndefined();
    }
    expect(source.fetches).toBe(2);
    await pass(FETCH_COOLDOWN_MS);
    const again = set.find(header('z'));
    await pass(50);
    expect(await again).toBeUndefined();
    expect(source.fetches).toBe(3);
  });

  test('cools down after a failure as well, and known keys are found all the while', async () => {
    const set = start();
    await pass(FETCH_COOLDOWN_MS);
    source.down = true;
    for (let index = 0; index < 1000; index += 1) {
      expect(await set.find(header(`x${index}`))).toBeUndefined();
      expect(await set.find(header('a'))).toBeDefined();
    }
    expect(source.fetches).toBe(2);
  });

  test('never has two fetches under way', async () => {
    source.delayMs = 1_500;
    const set = start();
    for (let step = 0; step < 100; step += 1) {
      set.find(header(`x${step}`)).catch(() => undefined);
      await pass(700);
    }
    expect(source.mostUnderWay).toBe(1);
  });

  test('still fetches after the clock was set back', async () => {
    const set = start();
    await pass(0);
    vi.setSystemTime(Date.now() - 3_600_000);
    source.keys = [a, b];
    expect(await set.find(header('b'))).toBeDefined();
  });

  test('tells which keys are gone or stand for another key, and grows its generation', async () => {
    source.keys = [a, b];
    const set = start();
    await pass(0);
    const before = set.generation;
    source.keys = [makeKey('a')];
    await pass(REFRESH_MS);
    expect(gone).toEqual([['a', 'b']]);
    expect(set.generation).toBe(before + 1);
    await pass(REFRESH_MS);
    expect(set.generation).toBe(before + 1);
    expect(gone).toHaveLength(1);
  });

  test('uses no key for an algorithm that is not the key’s, nor for an HMAC', async () => {
    const set = start();
    await pass(0);
    expect(await set.find({ alg: 'RS256', kid: 'a' })).toBeUndefined();
    expect(await set.find({ alg: 'HS256', kid: 'a' })).toBeUndefined();
  });

  test('passes over a key that can not be read, and finds the others', async () => {
    const damaged = { ...b.publicJwk, x: 'AAAA' };
    source.text = JSON.stringify({ keys: [damaged, a.publicJwk] });
    const set = start();
    await pass(0);
    expect(await set.find(header('b'))).toBeUndefined();
    expect(await set.find(header('a'))).toBeDefined();
  });

  test('stops asking when it is closed', async () => {
    const set = start();
    await pass(0);
    set.close();
    await pass(10 * REFRESH_MS);
    expect(await set.find(header('x'))).toBeUndefined();
    expect(source.fetches).toBe(1);
  });
});

test('an outage is logged once if it lasts, with its cause, and not at a start that waits for its source', async () => {
  const lines: { msg: string; err?: { message: string } }[] = [];
  const log = createLog('test', 'warn', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
  source.down = true;
  void start({ log, warnAfterMs: 5_000 });
  await vi.advanceTimersByTimeAsync(4_000);
  source.down = false;
  await vi.advanceTimersByTimeAsync(REFRESH_MS);
  expect(lines).toEqual([]);
  source.down = true;
  await vi.advanceTimersByTimeAsync(2 * REFRESH_MS);
  expect(lines).toMatchObject([{ msg: 'key set could not be fetched', err: { message: 'down' } }]);
});
