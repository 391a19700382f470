/**
 * One player who asks for more than the rate limit lets through, without a pause: the same action again and again, each of
 * which is answered with its first answer or refused. It earns nothing, so no board hears of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EdgeCalls } from './edge-calls.ts';
import type { Signer } from './signer.ts';

export interface GreedyPlayer {
  stop(): Promise<void>;
}

const NAME = 'greedy';
/** More than a full bucket holds. No more than one burst is under way, so a product that hangs is not flooded. */
const BURST = 100;
const PAUSE_MS = 500;

export async function startGreedyPlayer({
  calls,
  signer,
}: {
  calls: EdgeCalls;
  signer: Signer;
}): Promise<GreedyPlayer> {
  const token = await signer.token(NAME);
  const wanted = { leaderboard: 'weekly', userId: NAME, actionId: 'g1', points: 0 };
  const burst = await signer.sign(Array.from({ length: BURST }, () => wanted));
  let stopped = false;
  async function play(): Promise<void> {
    while (!stopped) {
      await Promise.all(burst.map((action) => calls.submit(token, action, {})));
      await sleep(PAUSE_MS);
    }
  }
  const playing = play();
  return {
    async stop() {
      stopped = true;
      await playing;
    },
  };
}
