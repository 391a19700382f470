import { describe, expect, it } from 'vitest';
import { type KeyValueStore, rememberedByDevice } from '../../../../../edge/web/page/player-store.ts';

function createStore(): KeyValueStore {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => values.set(key, value),
    removeItem: (key) => values.delete(key),
  };
}

describe('a player', () => {
  it('outlives the tab', () => {
    const device = createStore();
    rememberedByDevice(createStore(), device).setItem('player', 'Ada');
    expect(rememberedByDevice(createStore(), device).getItem('player')).toBe('Ada');
  });

  it('stays in the own tab when another tab plays as someone else', () => {
    const device = createStore();
    const [first, second] = [
      rememberedByDevice(createStore(), device),
      rememberedByDevice(createStore(), device),
    ];
    first.setItem('player', 'Ada');
    second.setItem('player', 'Grace');
    expect([first.getItem('player'), second.getItem('player')]).toEqual(['Ada', 'Grace']);
  });

  it('is forgotten by the tab and by the device', () => {
    const [tab, device] = [createStore(), createStore()];
    const store = rememberedByDevice(tab, device);
    store.setItem('player', 'Ada');
    store.removeItem('player');
    expect([tab.getItem('player'), device.getItem('player')]).toEqual([null, null]);
  });
});
