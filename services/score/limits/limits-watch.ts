/**
 * Which boards have limits and which players are in quarantine, from memory, so that other actions cost no look-up. It only
 * selects the lane of an action: the judging statement reads the limits itself. While Postgres is away, the last state applies.
 */
import { createLoop, type LoopOptions } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { isQuarantineName, type LimitsStore, quarantineName } from './limits-store.ts';

export type LimitsWatch = ReturnType<typeof createLimitsWatch>;

export interface LimitsWatchOptions {
  /** Grows with every change of rules or quarantine. */
  readVersion: () => Promise<bigint>;
  everyMs: LoopOptions['everyMs'];
  limits: Pick<LimitsStore, 'concerned'>;
  log: Log;
}

export function createLimitsWatch({ readVersion, everyMs, limits, log }: LimitsWatchOptions) {
  let known = 0n;
  let leaderboards: ReadonlySet<string> = new Set();
  let userIds: ReadonlySet<string> = new Set();
  let hasErased = false;

  async function look(): Promise<void> {
    if ((await readVersion()) === known) return;
    const concerned = await limits.concerned();
    leaderboards = new Set(concerned.leaderboards);
    userIds = new Set(concerned.userIds);
    hasErased = concerned.userIds.some(isQuarantineName);
    known = concerned.version;
  }

  const loop = createLoop({ name: 'limits watch', everyMs, run: look, log });
  return {
    /** Whether limits apply to no action at all. */
    isEmpty: () => leaderboards.size === 0 && userIds.size === 0,
    /** Whether limits may apply to the action. */
    concerns: ({ leaderboard, userId }: { leaderboard: string; userId: string }) =>
      leaderboards.has(leaderboard) ||
      userIds.has(userId) ||
      (hasErased && userIds.has(quarantineName(userId))),
    /** Resolves when the limits are known; then checks for changes periodically. */
    async start(): Promise<void> {
      await look();
      void loop.start();
    },
    stop: () => loop.stop(),
  };
}
