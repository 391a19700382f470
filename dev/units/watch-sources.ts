/** For `npm run dev`: restarts a process when its sources change. */
import { watch } from 'node:fs';
import { UNIT_NAMES, type UnitName } from '../site/local-config.ts';
import type { Kept } from '../supervise/keep-running.ts';
import { SHARED_FOLDERS, sourcePath, UNITS } from './units.ts';

/** Editors write through temporary files, whose names end differently. */
const SOURCE = /\.(?:ts|lua|html|css|svg)$/;
/** An editor or a checkout changes several files at once. Processes restart when no file has changed for this long. */
const QUIET_MS = 100;

/** Restarts each process whose own or shared sources change, until it is stopped. */
export function restartOnChange(units: ReadonlyMap<UnitName, Pick<Kept, 'restart'>>) {
  const changed = new Set<UnitName>();
  let timer: NodeJS.Timeout | undefined;

  function restartChanged(): void {
    for (const name of changed) units.get(name)?.restart('its sources changed');
    changed.clear();
  }

  function watchFolder(folder: string, names: readonly UnitName[]) {
    return watch(sourcePath(folder), { recursive: true }, (_event, file) => {
      if (file === null || !SOURCE.test(file)) return;
      for (const name of names) changed.add(name);
      clearTimeout(timer);
      timer = setTimeout(restartChanged, QUIET_MS);
    });
  }

  const watchers = [
    ...SHARED_FOLDERS.map((folder) => watchFolder(folder, UNIT_NAMES)),
    ...UNIT_NAMES.flatMap((name) => UNITS[name].folders.map((folder) => watchFolder(folder, [name]))),
  ];
  return {
    async stop(): Promise<void> {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
