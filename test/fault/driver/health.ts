/** Whether the product works from end to end: a submission counts, and every viewer shows it and not as stale. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Watchers } from './observe/watchers.ts';
import type { EdgeCalls } from './players/edge-calls.ts';
import type { SignedAction, Signer } from './players/signer.ts';

export interface Health {
  /** Milliseconds until it works, or undefined when it did not within the limit. */
  untilWell(limitMs: number): Promise<number | undefined>;
}

const PROBE = 'probe';
/** More than all players together, so that every probe is on every board. */
const PROBE_POINTS = 1_000_000;
const PROBES = 400;
const LOOK_EVERY_MS = 20;
/** A probe that is nowhere by then is followed by another. */
const SHOWN_WITHIN_MS = 1_000;

export async function createHealth(options: {
  calls: EdgeCalls;
  signer: Signer;
  watchers: Watchers;
}): Promise<Health> {
  const { calls, signer, watchers } = options;
  const token = await signer.token(PROBE);
  const stock: SignedAction[] = [];
  let signed = 0;
  let pending: SignedAction | undefined;

  async function refill(): Promise<void> {
    const wanted = Array.from({ length: PROBES }, () => {
      signed += 1;
      return { leaderboard: 'global', userId: PROBE, actionId: `p${signed}`, points: PROBE_POINTS };
    });
    stock.push(...(await signer.sign(wanted)));
  }

  /** True when a score counted and was seen everywhere. */
  async function probe(): Promise<boolean> {
    // One that was not answered is sent again until it is.
    pending ??= stock.shift();
    if (pending === undefined) throw new Error('no probes are left');
    const answer = await calls.submit(token, pending, {});
    if (typeof answer === 'string') {
      await sleep(LOOK_EVERY_MS);
      return false;
    }
    pending = undefined;
    const untilMs = performance.now() + SHOWN_WITHIN_MS;
    while (performance.now() < untilMs) {
      if (watchers.allShow(PROBE, answer.newScore)) return true;
      await sleep(LOOK_EVERY_MS);
    }
    return false;
  }

  await refill();
  return {
    async untilWell(limitMs) {
      const startedMs = performance.now();
      while (performance.now() - startedMs < limitMs) {
        if (!(await probe())) continue;
        const tookMs = performance.now() - startedMs;
        if (stock.length < PROBES / 2) await refill();
        return tookMs;
      }
      return undefined;
    },
  };
}
