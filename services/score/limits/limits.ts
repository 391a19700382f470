/** Everything about what players may do: the lane that judges, the watch over it, flags, and the operator's way in. */
import type { ServiceRegistration } from '../../shared/grpc/grpc.ts';
import type { PostgresPool } from '../../shared/stores/postgres.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { LimitedLane } from '../submit/accept-lanes.ts';
import type { StoreBreaker } from '../submit/store-breaker.ts';
import { acceptLimited } from './accept-limited.ts';
import { createFlagRecorder, type FlagRecorder } from './flag-recorder.ts';
import { createFlagsStore } from './flags-store.ts';
import { createLimitedStore } from './limited-store.ts';
import { createLimitsRpc } from './limits-rpc.ts';
import { createLimitsStore } from './limits-store.ts';
import { createLimitsWatch } from './limits-watch.ts';

export interface Limits {
  readonly lane: LimitedLane;
  readonly rpc: ServiceRegistration;
  noteAccepted: FlagRecorder['noteAccepted'];
  /** Resolves when the limits are known: nothing is to be accepted before. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface LimitsOptions {
  writePool: PostgresPool;
  upkeepPool: PostgresPool;
  breaker: Pick<StoreBreaker, 'watched'>;
  log: Log;
  metrics: Metrics;
}

export function createLimits({ writePool, upkeepPool, breaker, log, metrics }: LimitsOptions): Limits {
  const limits = createLimitsStore(upkeepPool);
  const flags = createFlagsStore(upkeepPool);
  const store = createLimitedStore(writePool);
  const watch = createLimitsWatch({ limits, log });
  const recorder = createFlagRecorder({ flags, log, metrics });
  const watchedStore: typeof store = {
    accept: (actions, limitMs) => breaker.watched(() => store.accept(actions, limitMs)),
  };
  return {
    lane: {
      isEmpty: () => watch.isEmpty(),
      concerns: (command) => watch.concerns(command),
      async accept(commands, deadline) {
        const result = await acceptLimited(watchedStore, commands, deadline);
        recorder.noteAnswers(commands, result.answers);
        return result;
      },
    },
    rpc: createLimitsRpc({ limits, flags }),
    noteAccepted: (players) => recorder.noteAccepted(players),
    async start() {
      await watch.start();
      recorder.start();
    },
    async stop() {
      await Promise.all([watch.stop(), recorder.stop()]);
    },
  };
}
