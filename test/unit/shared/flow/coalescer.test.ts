import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { createCoalescer } from '../../../../services/shared/flow/coalescer.ts';

/** A wire whose batches are answered by hand. */
function manualWire() {
  const batches: {
    items: number[];
    answer: (results: ReadonlyArray<number | Error>) => void;
    fail: (error: Error) => void;
  }[] = [];
  const send = (items: number[]) =>
    new Promise<ReadonlyArray<number | Error>>((answer, fail) => batches.push({ items, answer, fail }));
  const batch = async (index: number) => {
    while (batches[index] === undefined) await new Promise((resolve) => setImmediate(resolve));
    return batches[index];
  };
  return { send, batch, sent: () => batches.length };
}

describe('the coalescer', () => {
  it('sends at once when the wire is free and gathers what arrives meanwhile', async () => {
    const wire = manualWire();
    const coalescer = createCoalescer({ send: wire.send, maxBatch: 10, maxInFlight: 1, maxQueue: 10 });
    const first = coalescer.submit(1);
    const one = await wire.batch(0);
    const rest = [coalescer.submit(2), coalescer.submit(3)];
    one.answer([10]);
    const two = await wire.batch(1);
    expect(one.items).toEqual([1]);
    expect(two.items).toEqual([2, 3]);
    two.answer([20, 30]);
    expect(await Promise.all([first, ...rest])).toEqual([10, 20, 30]);
  });

  it('keeps to the largest batch and the number of batches under way', async () => {
    const wire = manualWire();
    const coalescer = createCoalescer({ send: wire.send, maxBatch: 2, maxInFlight: 2, maxQueue: 10 });
    const results = [1, 2, 3, 4, 5].map((item) => coalescer.submit(item));
    const [one, two] = [await wire.batch(0), await wire.batch(1)];
    expect([one.items, two.items, wire.sent(), coalescer.queued]).toEqual([[1, 2], [3, 4], 2, 1]);
    one.answer([1, 2]);
    (await wire.batch(2)).answer([5]);
    two.answer([3, 4]);
    expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5]);
  });

  it('sends a second batch beside one under way only when enough items wait', async () => {
    const wire = manualWire();
    const coalescer = createCoalescer({
      ...{ send: wire.send, maxBatch: 10, maxInFlight: 2, maxQueue: 10, worthACall: 3 },
    });
    const first = coalescer.submit(1);
    const one = await wire.batch(0);
    const few = [coalescer.submit(2), coalescer.submit(3)];
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect([wire.sent(), coalescer.queued]).toEqual([1, 2]);
    const third = coalescer.submit(4);
    const two = await wire.batch(1);
    expect(two.items).toEqual([2, 3, 4]);
    // Whatever is left goes when the wire is free, however little it is.
    const last = coalescer.submit(5);
    two.answer([2, 3, 4]);
    one.answer([1]);
    (await wire.batch(2)).answer([5]);
    expect(await Promise.all([first, ...few, third, last])).toEqual([1, 2, 3, 4, 5]);
  });

  it('refuses what does not fit into the queue', async () => {
    const wire = manualWire();
    const coalescer = createCoalescer({ send: wire.send, maxBatch: 1, maxInFlight: 1, maxQueue: 1 });
    const first = coalescer.submit(1);
    await wire.batch(0);
    const second = coalescer.submit(2);
    await expect(coalescer.submit(3)).rejects.toMatchObject({ reason: 'OVERLOADED' });
    (await wire.batch(0)).answer([1]);
    (await wire.batch(1)).answer([2]);
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('fails one item alone, or all items of a batch that could not be sent', async () => {
    const wire = manualWire();
    const coalescer = createCoalescer({ send: wire.send, maxBatch: 2, maxInFlight: 1, maxQueue: 10 });
    const mixed = Promise.allSettled([coalescer.submit(1), coalescer.submit(2)]);
    (await wire.batch(0)).answer([new AppError('ACTION_CONFLICT'), 2]);
    expect((await mixed).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    const lost = Promise.allSettled([coalescer.submit(3), coalescer.submit(4)]);
    (await wire.batch(1)).fail(new Error('wire cut'));
    expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const short = Promise.allSettled([coalescer.submit(5), coalescer.submit(6)]);
    (await wire.batch(2)).answer([5]);
    expect((await short).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('answers everything that was accepted before it closes, and accepts nothing after', async () => {
    const wire = manualWire();
    const coalescer = createCoalescer({ send: wire.send, maxBatch: 1, maxInFlight: 1, maxQueue: 10 });
    const results = [coalescer.submit(1), coalescer.submit(2)];
    let closed = false;
    const closing = coalescer.close().then(() => {
      closed = true;
    });
    await expect(coalescer.submit(3)).rejects.toMatchObject({ reason: 'SHUTTING_DOWN' });
    (await wire.batch(0)).answer([1]);
    const second = await wire.batch(1);
    expect(closed).toBe(false);
    second.answer([2]);
    await closing;
    expect(await Promise.all(results)).toEqual([1, 2]);
  });

  it('takes items together, over as many batches as they need, and answers them together and in order', async () => {
    const wire = manualWire();
    const coalescer = createCoalescer({ send: wire.send, maxBatch: 3, maxInFlight: 1, maxQueue: 10 });
    const alone = coalescer.submit(1);
    const group = coalescer.submitAll([2, 3, 4, 5]);
    const first = await wire.batch(0);
    expect(first.items).toEqual([1, 2, 3]);
    first.answer([10, new AppError('ACTION_CONFLICT'), 30]);
    const second = await wire.batch(1);
    expect(second.items).toEqual([4, 5]);
    second.fail(new Error('wire cut'));
    expect(await alone).toBe(10);
    expect(await group).toMatchObject([
      { reason: 'ACTION_CONFLICT' },
      30,
      { message: 'wire cut' },
      { message: 'wire cut' },
    ]);
    expect(await coalescer.submitAll([])).toEqual([]);
  });

  it('refuses items together when they do not all fit into the queue', async () => {
    const wire = manualWire();
    const coalescer = createCoalescer({ send: wire.send, maxBatch: 1, maxInFlight: 1, maxQueue: 2 });
    expect(await coalescer.submitAll([1, 2, 3])).toMatchObject([
      { reason: 'OVERLOADED' },
      { reason: 'OVERLOADED' },
      { reason: 'OVERLOADED' },
    ]);
    expect(wire.sent()).toBe(0);
  });

  it('answers lapsed items without sending them, and closes when only such items are left', async () => {
    const wire = manualWire();
    const late = new Set<number>();
    const coalescer = createCoalescer({
      send: wire.send,
      maxBatch: 2,
      maxInFlight: 1,
      maxQueue: 10,
      lapsed: (item: number) => (late.has(item) ? new AppError('DEADLINE_EXCEEDED') : undefined),
    });
    const first = coalescer.submit(1);
    (await wire.batch(0)).answer([1]);
    late.add(2);
    const group = coalescer.submitAll([2, 3, 4]);
    const second = await wire.batch(1);
    expect(second.items).toEqual([3, 4]);
    second.answer([3, 4]);
    expect(await group).toMatchObject([{ reason: 'DEADLINE_EXCEEDED' }, 3, 4]);
    expect(await first).toBe(1);

    const only = coalescer.submit(2);
    await coalescer.close();
    await expect(only).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    expect(wire.sent()).toBe(2);
  });
});
