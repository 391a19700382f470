/** The table of our own processes: the entry of each, the order in which they stop, and the units that each depends on. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { UnitName } from '../site/local-config.ts';

export interface Unit {
  readonly entry: string;
  /** The folders of its own sources. */
  readonly folders: readonly string[];
  /** The order of the stop: processes that players talk to first, processes that others depend on last. */
  readonly stopsInTurn: 1 | 2 | 3;
  /** Other units without which it is ready, but does not serve everything: a start waits until it is connected to them. */
  readonly needs?: readonly UnitName[];
}

export const UNITS: Readonly<Record<UnitName, Unit>> = {
  auth: { entry: 'services/auth/main.ts', folders: ['services/auth'], stopsInTurn: 3 },
  score: { entry: 'services/score/main.ts', folders: ['services/score'], stopsInTurn: 2, needs: ['rank'] },
  rank: { entry: 'services/rank/main.ts', folders: ['services/rank'], stopsInTurn: 3 },
  edge: {
    entry: 'edge/http/main.ts',
    folders: ['edge/http', 'edge/web'],
    stopsInTurn: 1,
    needs: ['score', 'rank'],
  },
  fanout: { entry: 'edge/fanout/main.ts', folders: ['edge/fanout'], stopsInTurn: 1, needs: ['rank'] },
  game: { entry: 'services/game/main.ts', folders: ['services/game'], stopsInTurn: 1 },
};

/** The folders of the sources that every process loads. */
export const SHARED_FOLDERS: readonly string[] = ['services/shared', 'gen'];

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The absolute path of a file or folder of this repository. */
export function sourcePath(path: string): string {
  return join(ROOT, path);
}
