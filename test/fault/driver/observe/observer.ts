/** Looks at the running product from outside, again and again: what Redis holds, and what each process uses. */
import { readdirSync, readFileSync } from 'node:fs';
import { connectRedis } from '../../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { UNITS_UNDER_FIRE } from '../stack/components.ts';
import type { FaultStack } from '../stack/stack.ts';
import type { Recorder } from './recorder.ts';

export interface Observer {
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 500;
const REDIS_LIMIT_MS = 400;
const BOARD = 'global';
const BYTES_PER_KB = 1_024;

export function startObserver(stack: FaultStack, recorder: Recorder): Observer {
  const redis = connectRedis({
    ...{ url: stack.direct.redisUrl, connectionName: 'observer', commandTimeoutMs: REDIS_LIMIT_MS },
    log: createSilentLog(),
  });
  let looking: Promise<void> = Promise.resolve();
  const note = () => ({ proc: 'observer', op: 0, monoNs: recorder.nowNs(), type: 'info' as const });

  async function lookAtIndex(): Promise<void> {
    const info = await redis.info('server');
    const runId = /^run_id:(\w+)/m.exec(info)?.[1] ?? '';
    const pointer = await redis.get('sb:epoch');
    if (pointer === null) return;
    const players = await redis.hgetall(`sb:${pointer}:${BOARD}:players`);
    const versions = Object.entries(players).map(([userId, described]) => ({
      ...{ leaderboard: BOARD, userId, version: Number(described.split(':')[0]) },
    }));
    recorder.write({ ...note(), f: 'projection', value: { epoch: Number(pointer), runId, versions } });
  }

  function lookAtProcesses(): void {
    for (const component of UNITS_UNDER_FIRE) {
      const usage = usageOf(stack.pidOf(component));
      if (usage !== undefined) recorder.write({ ...note(), f: 'sample', value: { component, ...usage } });
    }
  }

  const timer = setInterval(() => {
    lookAtProcesses();
    // While Redis is away there is nothing to look at.
    looking = redis.status === 'ready' ? lookAtIndex().catch(() => {}) : Promise.resolve();
  }, LOOK_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
      redis.disconnect();
    },
  };
}

/** Undefined when it has just ended. */
function usageOf(pid: number): { rssBytes: number; descriptors: number } | undefined {
  try {
    const rssKb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (rssKb === undefined) return undefined;
    return { rssBytes: Number(rssKb) * BYTES_PER_KB, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}
