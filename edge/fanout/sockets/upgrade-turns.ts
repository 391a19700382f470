/**
 * The rate of new sockets of a node, shared by its addresses. An address is admitted while it has used less of the rate recently
 * than is left of it. So when many addresses together ask for more than the rate, each gets its part, and an address that has
 * used none, or little, still finds room.
 */
import { ADDRESSES_PER_SITE } from '../../../services/shared/net/address-limiter.ts';
import { holdersOf } from '../../../services/shared/net/networks.ts';
import { restAfter, waitMs } from '../../../services/shared/rate/gcra.ts';

interface Use {
  readonly upgrades: number;
  readonly atMs: number;
}

/** In this time what an address has used falls to a third. Ten times as long as the node takes to refill its whole burst. */
const MEMORY_MS = 10_000;
/** Beyond it the least recently used address counts as new. */
const MAX_HOLDERS = 100_000;

export function createUpgradeTurns(perSecond: number, monotonicMs: () => number) {
  const rate = { perSecond, burst: perSecond };
  const uses = new Map<string, Use>();
  let restAtMs = 0;

  function usedBy(holder: string, nowMs: number): number {
    const { upgrades, atMs } = uses.get(holder) ?? { upgrades: 0, atMs: nowMs };
    return upgrades * Math.exp((atMs - nowMs) / MEMORY_MS);
  }

  function note(holder: string, nowMs: number): void {
    const upgrades = usedBy(holder, nowMs) + 1;
    // Deleted first, so that the map's order is that of use.
    uses.delete(holder);
    uses.set(holder, { upgrades, atMs: nowMs });
    if (uses.size <= MAX_HOLDERS) return;
    const [oldest = holder] = uses.keys();
    uses.delete(oldest);
  }

  return {
    /** Takes one upgrade for an address in the form of `subscriberOf`, undefined for one without a share. False to refuse it. */
    take(subscriber: string | undefined): boolean {
      const nowMs = monotonicMs();
      const next = restAfter(rate, restAtMs, nowMs);
      if (waitMs(rate, next, nowMs) > 0) return false;
      const free = perSecond - (Math.max(0, restAtMs - nowMs) * perSecond) / 1000;
      const holders = subscriber === undefined ? [] : holdersOf(subscriber);
      const takesTooMuch = holders.some(
        (holder, at) => usedBy(holder, nowMs) / (at === 0 ? 1 : ADDRESSES_PER_SITE) >= free,
      );
      if (takesTooMuch) return false;
      restAtMs = next;
      for (const holder of holders) note(holder, nowMs);
      return true;
    },
  };
}
