/** The row of Postgres that says which rank index counts, and which one is being built. */
import type { EpochStore } from '../../../../services/rank/rebuild/epoch-store.ts';
import type { Process } from '../environment/network.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';
import type { Database } from './database.ts';

const EPOCH_LIMIT_MS = 1_000;
const microseconds = (ms: number) => BigInt(Math.floor(ms * 1000));

export function epochStoreOf(database: Database, time: VirtualTime, from: Process): EpochStore {
  const { index } = database;
  const write = <Result>(serve: () => Result) => database.run(from, EPOCH_LIMIT_MS, serve);
  const nextEpoch = () => {
    const { epoch, building } = index;
    const last = building !== undefined && building > epoch ? building : epoch;
    const unixSeconds = BigInt(Math.floor(Date.now() / 1000));
    return last >= unixSeconds ? last + 1n : unixSeconds;
  };
  return {
    read: () =>
      write(() => ({
        ...index,
        redisSeenAt: microseconds(index.redisSeenMs),
        redisUnseenMs: time.nowMs() - index.redisSeenMs,
        readOnly: false,
        buildLapsed: index.building !== undefined && index.buildingUntilMs < time.nowMs(),
      })),
    markSeen: (epoch, runId) =>
      write(() => {
        if (index.epoch !== epoch || index.redisRunId !== runId || index.source !== 'redis') return undefined;
        index.redisSeenMs = time.nowMs();
        return microseconds(index.redisSeenMs);
      }),
    readFromPostgres: (epoch) =>
      write(() => {
        const isBuilding = index.building !== undefined && index.buildingUntilMs >= time.nowMs();
        if (index.epoch !== epoch || (index.source === 'postgres' && isBuilding)) return false;
        Object.assign(index, { epoch: nextEpoch(), source: 'postgres', building: undefined });
        return true;
      }),
    announceBuild: (counting, leaseMs) =>
      write(() => {
        if (index.epoch !== counting) return undefined;
        if (index.building !== undefined && index.buildingUntilMs >= time.nowMs()) return undefined;
        const epoch = nextEpoch();
        Object.assign(index, { building: epoch, buildingUntilMs: time.nowMs() + leaseMs });
        return epoch;
      }),
    abandonBuild: (epoch) =>
      write(() => {
        if (index.building !== epoch) return;
        Object.assign(index, { epoch: nextEpoch(), source: 'postgres', building: undefined });
      }),
    renewBuild: (epoch, leaseMs) =>
      write(() => {
        if (index.building !== epoch) return false;
        index.buildingUntilMs = time.nowMs() + leaseMs;
        return true;
      }),
    listWriters: () => write(() => database.writers()),
    finishBuild: (epoch, runId) =>
      write(() => {
        if (index.building !== epoch) return false;
        const seen = { redisRunId: runId, redisSeenMs: time.nowMs() };
        Object.assign(index, { epoch, source: 'redis', building: undefined, ...seen });
        return true;
      }),
  };
}
