/**
 * When each authenticated socket must end. Sockets wait in slots of one check interval, so that thousands of them cost
 * one timer and a refresh or a close costs one removal.
 */

export interface ExpiryWheel<Item> {
  /** Replaces an earlier time of the same item. */
  schedule(item: Item, expiresAtMs: number): void;
  cancel(item: Item): void;
  /** Removes and returns every item whose time has come. */
  takeExpired(nowMs: number): Item[];
}

export function createExpiryWheel<Item>(slotMs: number): ExpiryWheel<Item> {
  const slotOf = new Map<Item, number>();
  const slots = new Map<number, Set<Item>>();
  let checkedSlot: number | undefined;

  function cancel(item: Item): void {
    const slot = slotOf.get(item);
    if (slot === undefined) return;
    slotOf.delete(item);
    const items = slots.get(slot);
    items?.delete(item);
    if (items?.size === 0) slots.delete(slot);
  }

  return {
    schedule(item, expiresAtMs) {
      cancel(item);
      // The slot begins at or after the expiry, and a time that is past goes to the next one that is looked at.
      const slot = Math.max(Math.ceil(expiresAtMs / slotMs), (checkedSlot ?? -Infinity) + 1);
      slotOf.set(item, slot);
      const items = slots.get(slot);
      if (items === undefined) slots.set(slot, new Set([item]));
      else items.add(item);
    },
    cancel,
    takeExpired(nowMs) {
      const nowSlot = Math.floor(nowMs / slotMs);
      const due: Item[] = [];
      // By the slots that exist, not by counting up to now: the clock may have jumped.
      for (const [slot, items] of slots) {
        if (slot <= nowSlot) due.push(...items);
      }
      checkedSlot = nowSlot;
      for (const item of due) cancel(item);
      return due;
    },
  };
}
