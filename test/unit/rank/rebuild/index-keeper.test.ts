import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EpochRow } from '../../../../services/rank/rebuild/epoch-store.ts';
import {
  createIndexKeeper,
  type IndexKeeper,
  type IndexKeeperOptions,
} from '../../../../services/rank/rebuild/index-keeper.ts';
import { KnownIndex } from '../../../../services/rank/rebuild/known-index.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';

const BEAT_MS = 500;
/** As many as one page of a rebuild holds. */
const PAGE = 20_000;
const PAGES = 5;
let row: { -readonly [Key in keyof EpochRow]: EpochRow[Key] };
let redis: { status: 'ready' | 'reconnecting' };
/** Transactions that write to the outbox. */
let writers: string[];
/** What writing a page of players takes, or throws. */
let write: () => Promise<void>;
let calls: string[];
/** The epoch that Redis says counts. */
let pointer: bigint | undefined;
/** When, by what Redis keeps, Postgres noted that it was seen. */
let seenAt: bigint;
/** Looks at who writes to the outbox. */
let looks: number;
let renewedAtMs: number;
let known: KnownIndex;
let keeper: IndexKeeper;

beforeEach(() => {
  vi.useFakeTimers();
  row = {
    // The start makes it 1.
    ...{ epoch: 0n, source: 'postgres', building: undefined, redisRunId: '' },
    ...{ redisSeenAt: 0n, redisUnseenMs: 0, buildLapsed: false, readOnly: false },
  };
  redis = { status: 'ready' };
  calls = [];
  looks = 0;
  seenAt = 0n;
  renewedAtMs = performance.now();
  pointer = undefined;
  writers = [];
  write = async () => {};
  const log = createSilentLog();
  const metrics = createMetrics('rank', { runtime: false });
  known = new KnownIndex({ log, metrics });
  const options = {
    epochs: {
      read: async () => ({ ...row }),
      markSeen: async () => row.redisSeenAt,
      async readFromPostgres(epoch: bigint, known: bigint) {
        if (row.epoch !== epoch) return false;
        calls.push(`raise ${epoch}`);
        Object.assign(row, { epoch: known + 1n, source: 'postgres', building: undefined });
        return true;
      },
      async announceBuild() {
        calls.push('announce');
        row.building = row.epoch + 1n;
        return row.building;
      },
      async abandonBuild(epoch: bigint) {
        calls.push(`abandon ${epoch}`);
        if (row.building !== epoch) return;
        Object.assign(row, { epoch, source: 'postgres', building: undefined, buildLapsed: false });
      },
      async renewBuild(epoch: bigint) {
        renewedAtMs = performance.now();
        return row.building === epoch;
      },
      async listWriters() {
        looks += 1;
        return writers;
      },
      async finishBuild(epoch: bigint, redisRunId: string) {
        Object.assign(row, { epoch, source: 'redis', building: undefined, redisRunId });
        return true;
      },
    },
    index: {
      identity: async () => ({ epoch: pointer, runId: 'r1', connection: 1 }),
      load: () => write(),
      async pointTo(epoch: bigint) {
        pointer = epoch;
        seenAt = 0n;
      },
      trust() {},
      async noteSeen(_: bigint, at: bigint) {
        seenAt = at;
      },
      seenAt: async () => seenAt,
      clear: async (epoch: bigint) => void calls.push(`clear ${epoch}`),
      dropOlder: async () => {},
    },
    truth: {
      leaderboards: async () => ['global'],
      packed: async (_board: string, after: string) => {
        const number = Number(after) + 1;
        return number <= PAGES ? [{ players: PAGE, lastUserId: String(number), packed: '' }] : [];
      },
    },
    ...{ redis, known, log, metrics },
    announce: async () => {},
  };
  keeper = createIndexKeeper(options as unknown as IndexKeeperOptions);
});

afterEach(async () => {
  const stopping = keeper.stop();
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  await stopping;
  vi.useRealTimers();
});

/** Starts without waiting for the build, whose time does not pass by itself here. */
async function startBuilding(): Promise<void> {
  void keeper.start();
  await vi.advanceTimersByTimeAsync(1);
}

it('vouches for boards all through a long rebuild, which confirms again and again which index counts', async () => {
  write = () => new Promise((resolve) => setTimeout(resolve, 1_200));
  const starting = keeper.start();
  for (let ms = 0; ms < PAGES * 1_200; ms += 100) {
    await vi.advanceTimersByTimeAsync(100);
    expect(known.vouches()).toBe(true);
  }
  // It did not wait for all of that.
  await starting;
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(known.state).toMatchObject({ epoch: 2n, source: 'redis' });
});

it('waits for the transactions that wrote when the build was announced, and for no others', async () => {
  writers = ['pid 1 3/7', 'pid 2 4/9'];
  await startBuilding();
  writers = ['pid 1 3/7', 'pid 2 4/10'];
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(known.state).toMatchObject({ epoch: 1n, building: 2n });
  writers = ['pid 1 3/8', 'pid 2 4/10'];
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(known.state).toMatchObject({ epoch: 2n, source: 'redis' });
});

it('gives a build up when a writer does not end, and vouches for boards, keeps its lease and rests meanwhile', async () => {
  writers = ['pid 1 3/7'];
  await startBuilding();
  for (let ms = 0; ms < 2_900; ms += 100) {
    await vi.advanceTimersByTimeAsync(100);
    expect(known.vouches()).toBe(true);
    expect(performance.now() - renewedAtMs).toBeLessThan(1_000);
    expect(looks).toBeLessThan(2 + (ms + 100) / 20);
  }
  expect(calls).toEqual(['raise 0', 'announce', 'clear 2']);
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(calls).toEqual(['raise 0', 'announce', 'clear 2', 'abandon 2']);
  expect(known.state).toEqual({ epoch: 2n, source: 'postgres', building: undefined });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls).toHaveLength(4);
  writers = [];
  await vi.advanceTimersByTimeAsync(2_000);
  expect(known.state).toMatchObject({ epoch: 3n, source: 'redis' });
});

it('leaves a Redis that goes away for long while it waits for a writer', async () => {
  Object.assign(row, { epoch: 1n, source: 'redis' });
  writers = ['pid 1 3/7'];
  await startBuilding();
  redis.status = 'reconnecting';
  row.redisUnseenMs = 10_000;
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(calls).toEqual(['announce', 'raise 1']);
});

it('ends a build that another process took over', async () => {
  writers = ['pid 1 3/7'];
  await startBuilding();
  row.building = 9n;
  await vi.advanceTimersByTimeAsync(2 * BEAT_MS);
  expect(calls).toEqual(['raise 0', 'announce', 'clear 2', 'abandon 2']);
  expect(row.building).toBe(9n);
});

it('ends its build when it is stopped', async () => {
  writers = ['pid 1 3/7'];
  await startBuilding();
  const stopping = keeper.stop();
  await vi.advanceTimersByTimeAsync(100);
  await stopping;
  expect(calls).toEqual(['raise 0', 'announce', 'clear 2', 'abandon 2']);
});

it('removes old epochs before it fills a new one, while boards are read from Postgres', async () => {
  await keeper.start();
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(calls).toEqual(['raise 0', 'announce', 'clear 2']);
});

it('clears nothing away that boards may be read from', async () => {
  Object.assign(row, { epoch: 1n, source: 'redis' });
  await keeper.start();
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(calls).toEqual(['announce']);
});

it('gives up a build that failed at once, and tries again after a pause', async () => {
  write = () => Promise.reject(new Error('OOM command not allowed'));
  await keeper.start();
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(calls).toEqual(['raise 0', 'announce', 'clear 2', 'abandon 2']);
  expect(known.state).toEqual({ epoch: 2n, source: 'postgres', building: undefined });
  await vi.advanceTimersByTimeAsync(2 * BEAT_MS);
  expect(calls).toHaveLength(4);
  write = async () => {};
  await vi.advanceTimersByTimeAsync(3 * BEAT_MS);
  expect(known.state).toMatchObject({ epoch: 3n, source: 'redis' });
});

it('abandons the build of a process that died, when Redis is away and no process can continue it', async () => {
  redis.status = 'reconnecting';
  await keeper.start();
  Object.assign(row, { building: 4n, buildLapsed: true });
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(calls).toEqual(['raise 0', 'abandon 4']);
  expect(known.state).toEqual({ epoch: 4n, source: 'postgres', building: undefined });
});

it('forgets an epoch that another service made up, and never tells it to Postgres', async () => {
  redis.status = 'reconnecting';
  Object.assign(row, { epoch: 40n, source: 'redis' });
  await keeper.start();
  known.observe({ epoch: 2n ** 53n - 1n, source: 'redis', building: 2n ** 53n });
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(known.state).toEqual({ epoch: 40n, source: 'redis', building: undefined });
  known.observe({ epoch: 2n ** 53n - 1n, source: 'redis', building: undefined });
  row.redisUnseenMs = 10_000;
  await vi.advanceTimersByTimeAsync(BEAT_MS);
  expect(known.state).toEqual({ epoch: 41n, source: 'postgres', building: undefined });
  expect(calls).toEqual(['raise 40']);
});

describe('a database that was restored', () => {
  it('is never read under an epoch that it had before the start', async () => {
    redis.status = 'reconnecting';
    row.epoch = 7n;
    await keeper.start();
    expect(known.state).toMatchObject({ epoch: 8n, source: 'postgres' });
  });

  it('gets an epoch greater than all known ones when it is restored while this process runs', async () => {
    redis.status = 'reconnecting';
    Object.assign(row, { epoch: 40n, source: 'redis' });
    await keeper.start();
    row.epoch = 30n;
    await vi.advanceTimersByTimeAsync(BEAT_MS);
    expect(calls).toEqual(['raise 30']);
    expect(known.state).toEqual({ epoch: 41n, source: 'postgres', building: undefined });
  });

  it('gets a new index when Redis holds one of the same epoch that is ahead of it', async () => {
    pointer = 40n;
    Object.assign(row, { epoch: 40n, source: 'redis', redisRunId: 'r1', redisSeenAt: 100n });
    seenAt = 101n;
    await keeper.start();
    await vi.advanceTimersByTimeAsync(BEAT_MS);
    expect(calls).toEqual(['announce']);
    expect(known.state).toMatchObject({ epoch: 41n, source: 'redis' });
  });

  it('is not suspected while the index was last seen when the database says', async () => {
    pointer = 40n;
    Object.assign(row, {
      epoch: 40n,
      source: 'redis',
      redisRunId: 'r1',
      redisSeenAt: 100n,
      redisUnseenMs: 900,
    });
    await keeper.start();
    expect(seenAt).toBe(100n);
    await vi.advanceTimersByTimeAsync(4 * BEAT_MS);
    expect(calls).toEqual([]);
  });
});
