/**
 * The build of this process: one at a time, with a lease that the keeper's beats renew. It ends when another process takes it
 * over. A build that fails is abandoned, and boards are read from Postgres until the next one, which starts after a pause.
 */
import type { Log } from '../../shared/telemetry/log.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';
import type { Build, RebuildIndex } from './rebuild-index.ts';

export interface IndexBuilderOptions {
  epochs: Pick<EpochStore, 'announceBuild' | 'renewBuild'>;
  rebuild: RebuildIndex;
  abandon: (epoch: bigint) => Promise<void>;
  log: Log;
}

/** The build of a process that died may be taken over or abandoned after this: ten beats. */
const LEASE_MS = 5_000;
/**
 * After a build that failed, because Redis has no room for it or a writer did not end. Until the next one the outbox is
 * delivered without an index.
 */
const PAUSE_MS = 2_000;

interface UnderWay {
  readonly epoch: bigint;
  readonly aborting: AbortController;
  readonly ended: Promise<void>;
}

export function createIndexBuilder({ epochs, rebuild, abandon, log }: IndexBuilderOptions) {
  let underWay: UnderWay | undefined;
  let nextAtMs = -Infinity;

  /** Never rejects. */
  async function run(build: Build, signal: AbortSignal): Promise<void> {
    const epoch = String(build.epoch);
    try {
      await rebuild(build, signal);
    } catch (error) {
      log.warn({ err: error, epoch }, 'the rank index could not be rebuilt');
      nextAtMs = performance.now() + PAUSE_MS;
      await abandon(build.epoch).catch((cause: unknown) => {
        log.warn({ err: cause, epoch }, 'the build was not abandoned: its lease will lapse');
      });
    }
  }

  return {
    get isBuilding(): boolean {
      return underWay !== undefined;
    },

    /** Announces a build in that Redis process and begins it, unless a build is under way here or elsewhere. */
    async start({ epoch: counting, source }: EpochRow, runId: string): Promise<void> {
      if (underWay !== undefined || performance.now() < nextAtMs) return;
      const epoch = await epochs.announceBuild(counting, LEASE_MS);
      if (epoch === undefined) return;
      const aborting = new AbortController();
      const ended = run({ epoch, runId, source }, aborting.signal).finally(() => {
        underWay = undefined;
      });
      underWay = { epoch, aborting, ended };
    },

    /** Renews the lease, and ends the build when it is no longer ours. */
    async keepLease(): Promise<void> {
      if (underWay === undefined) return;
      const { epoch, aborting } = underWay;
      const isOurs = await epochs.renewBuild(epoch, LEASE_MS);
      if (!isOurs) aborting.abort(new Error('another process took the build over'));
    },

    /** Resolves when the build under way has ended, with or without success. */
    async ended(): Promise<void> {
      await underWay?.ended;
    },

    /** Ends the build under way. */
    async stop(): Promise<void> {
      underWay?.aborting.abort(new Error('the process stops'));
      await underWay?.ended;
    },
  };
}
