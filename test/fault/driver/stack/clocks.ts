/** The wall clock of each process under fire, told by a file of its own. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UNITS_UNDER_FIRE, type UnitUnderFire } from './components.ts';

export interface Clocks {
  /** What the process must be started with. */
  environment(name: UnitUnderFire): Record<string, string>;
  /** Puts the process's clock off by so much, within a moment; 0 puts it right. */
  shift(name: UnitUnderFire, byMs: number): void;
}

const PRELOADED = fileURLToPath(new URL('./shifted-clock.ts', import.meta.url));

export function createClocks(dir: string): Clocks {
  const path = (name: UnitUnderFire) => join(dir, name);
  const shift = (name: UnitUnderFire, byMs: number) => {
    // Written by a rename, so that no reader sees half of a number.
    writeFileSync(`${path(name)}.new`, String(byMs));
    renameSync(`${path(name)}.new`, path(name));
  };
  mkdirSync(dir, { recursive: true });
  for (const name of UNITS_UNDER_FIRE) shift(name, 0);
  return {
    environment: (name) => ({ NODE_OPTIONS: `--import ${PRELOADED}`, CLOCK_SHIFT_FILE: path(name) }),
    shift,
  };
}
