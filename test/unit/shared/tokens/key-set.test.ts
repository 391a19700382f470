import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLog, createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import {
  createKeySet,
  FETCH_COOLDOWN_MS,
  type KeySet,
  type KeySetOptions,
  STALE_CAP_MS,
} from '../../../../services/shared/tokens/key-set.ts';
import { keySetJson, makeKey, type TestKey } from '../../auth/token-fixtures.ts';

const REFRESH_MS = 60_000;
const a = makeKey('a');
const b = makeKey('b');
const header = (kid: string) => ({ alg: 'ES256' as const, kid });

/** A source whose answers the test decides, and which counts how often it is asked, and by how many at once. */
class Source {
  keys: TestKey[] = [a];
  /** Sent instead of the keys when set. */
  text: string | undefined;
  down = false;
  fetches = 0;
  underWay = 0;
  mostUnderWay = 0;
  delayMs = 0;

  readonly fetch = async (): Promise<string> => {
    this.fetches += 1;
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    try {
      if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
      if (this.down) throw new Error('down');
      return this.text ?? keySetJson(...this.keys);
    } finally {
      this.underWay -= 1;
    }
  };
}

let source: Source;
let open: KeySet[];
const gone: string[][] = [];

function start(options: Partial<KeySetOptions> = {}): KeySet {
  const set = createKeySet({
    name: 'test',
    fetch: source.fetch,
    refreshMs: REFRESH_MS,
    clock: { now: () => Date.now() },
    log: createSilentLog(),
    onKeysGone: (ids) => gone.push([...ids]),
    ...options,
  });
  open.push(set);
  return set;
}

beforeEach(() => {
  vi.useFakeTimers();
  source = new Source();
  open = [];
  gone.length = 0;
});
afterEach(() => {
  for (const set of open) set.close();
  vi.useRealTimers();
});

/** Lets time pass, together with everything that is due in it. */
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

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

  describe('whose source holds its answers', () => {
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
