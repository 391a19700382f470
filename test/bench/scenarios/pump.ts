/** Publishes boards as fast as the last socket of a stage gets them, and measures how many frames arrive. */
import type { Arrival } from '../generator/crowd-main.ts';
import { createHistogram } from '../generator/histogram.ts';
import type { Slice } from '../measure/lines.ts';
import { quantiles, withCosts } from '../measure/measure.ts';
import type { Stage } from './stages.ts';

const WARMUP_S = 1;
/** Boards under way at once: hides the bench's own turn-around, and is far from filling a socket's buffer. */
const WINDOW = 3;
/** Of these, one may wait for its turn: of two that wait, the product would only send the newer one. */
const WAITING = 1;

/** Publishes boards one after the other, forever counting on, for as long as asked. */
export function createPump(stage: Stage): (seconds: number) => Promise<Slice> {
  let published = 0;
  return async (seconds) => {
    const sentMs = new Map<number, number>();
    const seen = new Map<number, number>();
    const latency = createHistogram();
    let isRunning = true;
    let begun = published;
    const advance = () => {
      const slowest = Math.min(...stage.crowds.map(({ pid }) => seen.get(pid) ?? 0));
      while (isRunning && published - slowest < WINDOW && published - begun < WAITING) {
        published += 1;
        sentMs.set(published, performance.now());
        stage.publish(published);
      }
    };
    for (const crowd of stage.crowds) {
      seen.set(crowd.pid, published);
      crowd.onEvent((event) => {
        const arrival = event as Arrival;
        const position = stage.positionOf('begun' in arrival ? arrival.begun : arrival.seq);
        if (!isRunning || position < 1) return;
        begun = Math.max(begun, position);
        if ('begun' in arrival) return advance();
        const sent = sentMs.get(position);
        if (sent !== undefined) latency.record(performance.now() - sent);
        seen.set(crowd.pid, position);
        advance();
      });
    }
    advance();
    await pause(WARMUP_S);
    const before = await look(stage, true);
    const { result: after, costs } = await withCosts(
      stage.groups,
      async () => {
        await pause(seconds);
        return look(stage, false);
      },
      (now) => now.frames - before.frames,
    );
    isRunning = false;
    return {
      perSecond: ((after.frames - before.frames) * 1000) / (after.atMs - before.atMs),
      ...quantiles(latency.counts),
      errors: stage.sockets - after.open,
      ...costs,
      generatorCpuShare: after.cpuShare,
      generatorUtilisation: after.utilisation,
    };
  };
}

/** What all crowds of a stage have seen; the busiest speaks for how busy they are. */
async function look({ crowds }: Stage, restartMeter: boolean) {
  const all = await Promise.all(crowds.map((crowd) => crowd.call('seen', { restartMeter })));
  return {
    atMs: performance.now(),
    frames: all.reduce((sum, { frames }) => sum + frames, 0),
    open: all.reduce((sum, { open }) => sum + open, 0),
    cpuShare: Math.max(...all.map(({ cpuShare }) => cpuShare)),
    utilisation: Math.max(...all.map(({ utilisation }) => utilisation)),
  };
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
