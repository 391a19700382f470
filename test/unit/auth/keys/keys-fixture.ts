/** A folder of keys, and a clock that the test moves. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type KeyRing, openKeyRing } from '../../../../services/auth/keys/key-ring.ts';
import { listKeys } from '../../../../services/auth/keys/key-store.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';

export let dir: string;
let nowMs: number;
export const clock = { now: () => nowMs };

export const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
export const kids = (kind: 'token' | 'action') => listKeys(dir, kind, clock).map(({ kid }) => kid);
/** Descriptors of this process on that path. */
export const descriptorsOf = (path: string) =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      return false;
    }
  }).length;
export async function openRing(): Promise<KeyRing> {
  return openKeyRing({ dir, clock, log: createSilentLog() });
}

export function pass(ms: number): void {
  nowMs += ms;
}

/** Gives each test of a file a folder of its own. */
export function useKeys(): void {
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'scoreboard-keys-')), 'keys');
    nowMs = Date.now();
  });
  afterEach(() => {
    rmSync(join(dir, '..'), { recursive: true, force: true });
  });
}
