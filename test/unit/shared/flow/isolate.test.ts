import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isolate } from '../../../../services/shared/flow/isolate.ts';

const refusal = new Error('refused');
const isOfContents = (error: unknown) => error === refusal;

/** Refuses a batch with a bad item whole, as Postgres does. */
function storeWithout(bad: ReadonlySet<number>) {
  const written: number[] = [];
  let calls = 0;
  const run = async (items: readonly number[]): Promise<string[]> => {
    calls += 1;
    if (items.some((item) => bad.has(item))) throw refusal;
    written.push(...items);
    return items.map(String);
  };
  return { run, written, calls: () => calls };
}

it('every good item is written once, in order, and every bad one gets its own error', async () => {
  const set = fc.uniqueArray(fc.nat({ max: 99 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 100 }), set, async (size, chosen) => {
      const items = Array.from({ length: size }, (_, n) => n);
      const bad = new Set(chosen);
      const { run, written } = storeWithout(bad);
      const outcomes = await isolate(items, { run, isOfContents });
      expect(outcomes).toEqual(items.map((item) => (bad.has(item) ? refusal : String(item))));
      expect(written).toEqual(items.filter((item) => !bad.has(item)));
    }),
  );
});

it('one bad item among 500 costs few calls', async () => {
  const { run, calls } = storeWithout(new Set([321]));
  await isolate(
    Array.from({ length: 500 }, (_, n) => n),
    { run, isOfContents },
  );
  expect(calls()).toBeLessThan(20);
});

it('another failure of the whole batch is passed on, and one of a part is that of its items', async () => {
  const outage = new Error('away');
  const away = async () => Promise.reject(outage);
  await expect(isolate([1, 2], { run: away, isOfContents })).rejects.toBe(outage);
  const run = async (items: readonly number[]) => {
    if (items.length > 1) throw refusal;
    if (items[0] === 2) throw outage;
    return items;
  };
  expect(await isolate([1, 2], { run, isOfContents })).toEqual([1, outage]);
});
