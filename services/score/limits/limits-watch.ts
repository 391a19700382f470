/**
 * Knows which boards have limits and which players are shut out, so that everything else never asks. It decides only which
 * way an action takes; what the limits are, the statement that judges reads itself. While Postgres is away it knows the last.
 */

import { createLoop } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { isQuarantineName, type LimitsStore, quarantineName } from './limits-store.ts';

export interface LimitsWatch {
  isEmpty(): boolean;
  concerns(action: { leaderboard: string; userId: string }): boolean;
  /** Resolves when the limits are known; from then on it looks again and again. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A change is known everywhere within a second. */
const LOOK_EVERY_MS = 400;

export function createLimitsWatch({
  limits,
  log,
}: {
  limits: Pick<LimitsStore, 'version' | 'concerned'>;
  log: Log;
}): LimitsWatch {
  let known = 0n;
  let leaderboards: ReadonlySet<string> = new Set();
  let userIds: ReadonlySet<string> = new Set();
  let hasErased = false;

  async function look(): Promise<void> {
    if ((await limits.version()) === known) return;
    const concerned = await limits.concerned();
    leaderboards = new Set(concerned.leaderboards);
    userIds = new Set(concerned.userIds);
    hasErased = concerned.userIds.some(isQuarantineName);
    known = concerned.version;
  }

  const loop = createLoop({ name: 'limits watch', everyMs: LOOK_EVERY_MS, run: look, log });
  return {
    isEmpty: () => leaderboards.size === 0 && userIds.size === 0,
    concerns: ({ leaderboard, userId }) =>
      leaderboards.has(leaderboard) ||
      userIds.has(userId) ||
      (hasErased && userIds.has(quarantineName(userId))),
    async start() {
      await look();
      void loop.start();
    },
    stop: () => loop.stop(),
  };
}
