/**
 * The servers that a process can do without for a while. For each it says why the server does not serve us now, if so. A
 * change is logged once, in one line, when two looks in a row agree on it: a stall of a moment is not worth a line.
 */
import type { Log } from '../telemetry/log.ts';

/** By name, what is wrong and what to do about it; undefined while the server works. */
export type Troubles = Readonly<Record<string, string | undefined>>;

/** The trouble of a service of our own. */
export const NO_ANSWER = 'it does not answer';

export interface DependencyWatch {
  stop(): void;
}

/** A change is in the log within two of these. */
const LOOK_EVERY_MS = 1_000;
const NAMES: Readonly<Record<string, string>> = {
  postgres: 'Postgres',
  database: 'Postgres',
  redis: 'Redis',
  nats: 'NATS',
  score: 'Score',
  rank: 'Rank',
  keyFiles: 'Key files',
  revocations: 'Revocations',
};

export function watchDependencies({ look, log }: { look: () => Troubles; log: Log }): DependencyWatch {
  let seen: Troubles = {};
  const told = new Map<string, string>();

  function tell(): void {
    const last = seen;
    seen = look();
    for (const [name, trouble] of Object.entries(seen)) {
      const before = told.get(name);
      const persists = before === undefined && trouble !== undefined && last[name] !== undefined;
      if (trouble === before || !(persists || trouble === last[name])) continue;
      if (trouble === undefined) {
        told.delete(name);
        log.info(`${NAMES[name] ?? name}: works again`);
      } else {
        told.set(name, trouble);
        log.error(`${NAMES[name] ?? name}: ${trouble}`);
      }
    }
  }

  const timer = setInterval(tell, LOOK_EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
