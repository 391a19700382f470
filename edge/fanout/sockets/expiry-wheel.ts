/**
 * Expiry times of authenticated sockets, kept in slots of one check interval. Thousands of sockets then need one timer, and a
 * renewal or a close costs one removal.
 */

export function createExpiryWheel<Item>(slotMs: number) {
  const slotOf = new Map<Item, number>();
  const slots = new Map<number, Set<Item>>();
  let checkedSlot = -Infinity;

  function cancel(item: Item): void {
    const slot = slotOf.get(item);
    if (slot === undefined) return;
    slotOf.delete(item);
    const items = slots.get(slot);
    items?.delete(item);
    if (items?.size === 0) slots.delete(slot);
  }

  return {
    /** Replaces an earlier time of the same item. */
    schedule(item: Item, expiresAtMs: number): void {
      cancel(item);
      // The slot starts at or after the expiry. A time in the past goes to the next slot that is checked.
      const slot = Math.max(Math.ceil(expiresAtMs / slotMs), checkedSlot + 1);
      slotOf.set(item, slot);
      const items = slots.get(slot);
      if (items === undefined) slots.set(slot, new Set([item]));
      else items.add(item);
    },

    cancel,

    /** Removes and returns every item that has expired. */
    takeExpired(nowMs: number): Item[] {
      const nowSlot = Math.floor(nowMs / slotMs);
      const due: Item[] = [];
      // Looks at the slots that exist instead of counting up to now, since the clock may have jumped.
      for (const [slot, items] of slots) {
        if (slot <= nowSlot) due.push(...items);
      }
      checkedSlot = nowSlot;
      for (const item of due) cancel(item);
      return due;
    },
  };
}
