import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startHealth } from '../../../../../edge/http/health/health.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';

const up = { score: true, rank: true, keys: true };
let health: ReturnType<typeof startHealth>;

function start() {
  const fake = {
    score: {
      submitScore: () => Promise.reject(new AppError(up.score ? 'LEADERBOARD_INVALID' : 'SCORE_UNAVAILABLE')),
    },
    rank: {
      getTop: () => (up.rank ? Promise.resolve({}) : Promise.reject(new AppError('RANK_UNAVAILABLE'))),
    },
    verifier: { ready: () => up.keys },
    limiter: { trouble: () => undefined },
  };
  return startHealth(fake as unknown as Parameters<typeof startHealth>[0]);
}

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(up, { score: true, rank: true, keys: true });
  health = start();
});

afterEach(async () => {
  await health.stop();
  vi.useRealTimers();
});

const probeAgain = () => vi.advanceTimersByTimeAsync(2_000);
const isReady = () => Object.values(health.readiness()).every(Boolean);

test('an edge is ready once a service has answered its first probe', async () => {
  const started = start();
  expect(started.readiness()).toEqual({ serving: true, keys: true, upstream: false });
  await started.stop();
  expect(isReady()).toBe(true);
  expect(health.dependencies()).toEqual({ score: undefined, rank: undefined, redis: undefined });
});

test.each(['score', 'rank'] as const)(
  'an edge without %s is ready, and says what is missing',
  async (name) => {
    up[name] = false;
    await probeAgain();
    expect(isReady()).toBe(true);
    expect(health.dependencies()).toMatchObject({ [name]: 'it does not answer' });
    up[name] = true;
    await probeAgain();
    expect(health.dependencies()[name]).toBeUndefined();
  },
);

test('an edge is not ready without score and rank, without keys, or while it drains', async () => {
  Object.assign(up, { score: false, rank: false });
  await probeAgain();
  expect(health.readiness()).toEqual({ serving: true, keys: true, upstream: false });
  Object.assign(up, { score: true, keys: false });
  await probeAgain();
  expect(health.readiness()).toEqual({ serving: true, keys: false, upstream: true });
  up.keys = true;
  health.drain();
  expect(health.readiness()).toEqual({ serving: false, keys: true, upstream: true });
});
