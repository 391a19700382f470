/**
 * The servers that a process can work without for a while, and why each does not serve us now. A change is logged once, in one
 * line, when two checks in a row agree on it, so that a short stall is not logged, nor a server that starts at the same time.
 */
import type { Log } from '../telemetry/log.ts';

/** For each name what is wrong and what to do about it; undefined while the server works. */
export type Troubles = Readonly<Record<string, string | undefined>>;

/** The trouble of one of our own services. */
export const NO_ANSWER = 'it does not answer';

/** A change is logged within two of these. */
const LOOK_EVERY_MS = 1_000;
/** The processes of a stack start together: a server that has not worked yet is logged only when it takes longer than this. */
const START_GRACE_MS = 10_000;
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

export function watchDependencies({ look, log }: { look: () => Troubles; log: Log }) {
  let seen: Troubles = {};
  const startedMs = performance.now();
  const worked = new Set<string>();
  const logged = new Map<string, string>();

  function logChanges(): void {
    const last = seen;
    seen = look();
    for (const [name, trouble] of Object.entries(seen)) {
      const before = logged.get(name);
      if (trouble === undefined) worked.add(name);
      else if (!worked.has(name) && performance.now() - startedMs < START_GRACE_MS) continue;
      const persists = before === undefined && trouble !== undefined && last[name] !== undefined;
      if (trouble === before || !(persists || trouble === last[name])) continue;
      if (trouble === undefined) {
        logged.delete(name);
        log.info(`${NAMES[name] ?? name}: works again`);
      } else {
        logged.set(name, trouble);
        log.error(`${NAMES[name] ?? name}: ${trouble}`);
      }
    }
  }

  const timer = setInterval(logChanges, LOOK_EVERY_MS);
  timer.unref();
  return { stop: (): void => clearInterval(timer) };
}
