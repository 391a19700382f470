/**
 * The build of this process: one at a time, with a lease that beats keep, ended when another process takes it over, and with
 * a pause after one that failed. A build that fails is abandoned: boards are read from Postgres until the next one.
 */
import type { Log } from '../../shared/telemetry/log.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';
import type { Build, RebuildIndex } from './rebuild-index.ts';

export interface IndexBuilder {
  readonly isBuilding: boolean;
  /** Announces a build in that Redis and begins it. Nothing happens while one is under way, here or elsewhere. */
  start(row: EpochRow, runId: string): Promise<void>;
  /** Ends the build when it is no longer ours. */
  keepLease(): Promise<void>;
  /** Resolves when the build under way has ended, however it did. */
  ended(): Promise<void>;
  /** Ends the build under way. */
  stop(): Promise<void>;
}

export interface IndexBuilderOptions {
  epochs: Pick<EpochStore, 'announceBuild' | 'renewBuild'>;
  rebuild: RebuildIndex;
  abandon: (epoch: bigint) => Promise<void>;
  log: Log;
}

/** A builder that died is replaced, or its build given up, after this: ten beats. */
const LEASE_MS = 5_000;
/**
 * After a build that failed, because Redis has no room for it or a writer did not end: meanwhile what waits is delivered
 * without it.
 */
const PAUSE_MS = 2_000;

interface UnderWay {
  readonly epoch: bigint;
  readonly aborting: AbortController;
  readonly ended: Promise<void>;
}

export function createIndexBuilder({ epochs, rebuild, abandon, log }: IndexBuilderOptions): IndexBuilder {
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
    get isBuilding() {
      return underWay !== undefined;
    },

    async start({ epoch: counting, source }, runId) {
      if (underWay !== undefined || performance.now() < nextAtMs) return;
      const epoch = await epochs.announceBuild(counting, LEASE_MS);
      if (epoch === undefined) return;
      const aborting = new AbortController();
      const ended = run({ epoch, runId, source }, aborting.signal).finally(() => {
        underWay = undefined;
      });
      underWay = { epoch, aborting, ended };
    },

    async keepLease() {
      if (underWay === undefined) return;
      const { epoch, aborting } = underWay;
      const isOurs = await epochs.renewBuild(epoch, LEASE_MS);
      if (!isOurs) aborting.abort(new Error('the build is no longer ours'));
    },

    async ended() {
      await underWay?.ended;
    },

    async stop() {
      underWay?.aborting.abort(new Error('the process stops'));
      await underWay?.ended;
    },
  };
}
