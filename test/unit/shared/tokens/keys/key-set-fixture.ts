/** A key set whose source is played by the test, in fake time. */
import { afterEach, beforeEach, vi } from 'vitest';
import { createSilentLog } from '../../../../../services/shared/telemetry/log.ts';
import {
  createKeySet,
  type KeySet,
  type KeySetOptions,
} from '../../../../../services/shared/tokens/keys/key-set.ts';
import { keySetJson, makeKey, type TestKey } from '../../../auth/token-fixtures.ts';

export const REFRESH_MS = 60_000;
export const a = makeKey('a');
export const b = makeKey('b');
export const header = (kid: string) => ({ alg: 'ES256' as const, kid });

/** A source whose answers the test decides, and which counts how often it is asked, and by how many at once. */
export class Source {
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

export let source: Source;
let open: KeySet[];
export const gone: string[][] = [];

export function start(options: Partial<KeySetOptions> = {}): KeySet {
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

/** Gives each test of a file a source of its own. */
export function useSource(): void {
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
}

/** Lets time pass, together with everything that is due in it. */
export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
