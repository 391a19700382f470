/**
 * Where the player is kept: in this tab, so that two tabs can have two players, and on this device, so that the player outlives
 * the tab. A new tab starts with the latest player of the device.
 */

/** The part of Storage that is used. */
export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export function rememberedByDevice(tab: KeyValueStore, device: KeyValueStore): KeyValueStore {
  return {
    getItem: (key) => tab.getItem(key) ?? device.getItem(key),
    setItem(key, value) {
      tab.setItem(key, value);
      device.setItem(key, value);
    },
    removeItem(key) {
      tab.removeItem(key);
      device.removeItem(key);
    },
  };
}
