/** Composes the limits of players: the judged lane, flags of suspicious players, and the operator's methods. */
import type { Deadline } from '../../shared/flow/deadline.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { LogOperatorAction } from '../../shared/telemetry/operator-log.ts';
import type { Action } from '../accept/action.ts';
import { acceptLimited } from './accept-limited.ts';
import { createFlagRecorder } from './flag-recorder.ts';
import { createFlagsStore } from './flags-store.ts';
import { createLimitedStore } from './limited-store.ts';
import { createLimitsRpc } from './limits-rpc.ts';
import { createLimitsStore } from './limits-store.ts';
import { createLimitsWatch, type LimitsWatchOptions } from './limits-watch.ts';

export type Limits = ReturnType<typeof createLimits>;

export interface LimitsOptions extends Pick<LimitsWatchOptions, 'readVersion' | 'everyMs'> {
  writePool: PostgresPool;
  upkeepPool: PostgresPool;
  log: Log;
  onQuarantine: () => void;
  logAction: LogOperatorAction;
  metrics: Metrics;
}

export function createLimits(options: LimitsOptions) {
  const { writePool, upkeepPool, readVersion, everyMs, onQuarantine, log, logAction, metrics } = options;
  const limits = createLimitsStore(upkeepPool);
  const flags = createFlagsStore(upkeepPool);
  const store = createLimitedStore(writePool);
  const watch = createLimitsWatch({ readVersion, everyMs, limits, log });
  const recorder = createFlagRecorder({ flags, log, metrics });
  return {
    /** The judged lane: which actions take it, and how they are accepted. */
    lane: {
      isEmpty: watch.isEmpty,
      concerns: watch.concerns,
      accept: (actions: readonly Action[], deadline: Deadline) => acceptLimited(store, actions, deadline),
    },
    flags: { noteAnswers: recorder.noteAnswers, noteAccepted: recorder.noteAccepted },
    rpc: createLimitsRpc({ limits, flags, onQuarantine, logAction }),
    /** Resolves when the limits are known. No action may be accepted before. */
    async start(): Promise<void> {
      await watch.start();
      recorder.start();
    },
    async stop(): Promise<void> {
      await Promise.all([watch.stop(), recorder.stop()]);
    },
  };
}
