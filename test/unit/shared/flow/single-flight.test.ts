/** Many ask, one run answers. */
import { expect, test } from 'vitest';
import { createSingleFlight } from '../../../../services/shared/flow/single-flight.ts';

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Work that ends when it is told to; its runs count from 1. */
function startWork() {
  const runs: { end: () => void; fail: () => void }[] = [];
  const flight = createSingleFlight(
    () =>
      new Promise<number>((resolve, reject) => {
        const run = runs.length + 1;
        runs.push({ end: () => resolve(run), fail: () => reject(new Error(`run ${run} failed`)) });
      }),
  );
  return { runs, flight };
}

test('joining shares the run under way, and starts one if there is none', async () => {
  const { runs, flight } = startWork();
  const answers = [flight.join(), flight.join()];
  expect([runs.length, flight.isRunning]).toEqual([1, true]);
  runs[0]?.end();
  expect(await Promise.all(answers)).toEqual([1, 1]);
  expect(flight.isRunning).toBe(false);
  const again = flight.join();
  runs[1]?.end();
  expect(await again).toBe(2);
});

test('a fresh answer never comes from a run that began before the question', async () => {
  const { runs, flight } = startWork();
  const first = [flight.fresh(), flight.fresh()];
  await turn();
  expect(runs.length).toBe(1);
  const second = [flight.fresh(), flight.fresh(), flight.fresh()];
  await turn();
  // It waits for the run under way: there is one at a time.
  expect(runs.length).toBe(1);
  runs[0]?.end();
  expect(await Promise.all(first)).toEqual([1, 1]);
  await turn();
  runs[1]?.end();
  expect(await Promise.all(second)).toEqual([2, 2, 2]);
  expect(runs.length).toBe(2);
});

test('joining while a fresh run is about to begin waits for that one', async () => {
  const { runs, flight } = startWork();
  const answers = [flight.fresh(), flight.join()];
  await turn();
  expect(runs.length).toBe(1);
  runs[0]?.end();
  expect(await Promise.all(answers)).toEqual([1, 1]);
});

test('a failure reaches all who shared the run, and no later caller', async () => {
  const { runs, flight } = startWork();
  const failing = Promise.allSettled([flight.fresh(), flight.fresh()]);
  await turn();
  const next = flight.fresh();
  runs[0]?.fail();
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await turn();
  runs[1]?.end();
  expect(await next).toBe(2);
});
