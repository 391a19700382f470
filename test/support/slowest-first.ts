/**
 * The order of test files: those that take longest first, so that no worker is left alone with one at the end. Vitest orders
 * by the durations of the last run, which a fresh checkout does not have, and otherwise by size, which says little here.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, in the order of their time when each ran alone on a busy machine. */
export const SLOWEST: readonly string[] = [
  'integration/dev/stack',
  'integration/dev/start-kills',
  'simulation/even-seeds',
  'simulation/odd-seeds',
  'integration/dev/upgrade',
  'integration/rank/reconcile',
  'integration/outages/stack-disk-full',
  'integration/rank/outage',
  'integration/dev/cli',
  'integration/deployment/backup',
  'integration/access/revocation',
  'integration/outages/redis-full',
  'integration/score/pauses',
  'integration/edge/http/attack',
  'integration/outages/wrong-servers',
  'integration/dev/failures',
  'integration/dev/servers/postgres-cluster',
  'integration/dev/restart',
  'integration/dev/host/data-folder',
  'integration/dev/audit-key',
  'integration/hostile/overload',
  'integration/auth/outage',
  'integration/outages/degraded',
  'integration/consistency/consistency',
  'browser/accessible-page',
  'integration/game/surface',
  'fault/driver',
];

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = SLOWEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? SLOWEST.length : at;
    };
    return [...(await super.sort(files))].sort((a, b) => rank(a) - rank(b));
  }
}
