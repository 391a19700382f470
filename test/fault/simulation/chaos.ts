/** A seeded schedule of faults over a simulated world, each of which ends by itself. */
import type { Random } from '../../support/random.ts';
import type { VirtualTime } from './environment/virtual-time.ts';
import type { World } from './world.ts';

const MOST_FAULTS = 8;
const LONGEST_OUTAGE_MS = 4_000;
/** From then on boards are read from Postgres. */
const REDIS_PATIENCE_MS = 3_000;
/** A supervisor has a process back within a second or so. */
const LONGEST_RESTART_MS = 1_500;

type Fault = (world: World, random: Random, lastMs: number) => void;

export function scheduleChaos(world: World, time: VirtualTime, random: Random, untilMs: number): string[] {
  const names = Object.keys(FAULTS);
  const told: string[] = [];
  for (let left = random.whole(2, MOST_FAULTS); left > 0; left -= 1) {
    const name = random.pick(names);
    const atMs = Math.floor(random.next() * untilMs * 0.8);
    time.at(atMs, () => FAULTS[name]?.(world, random, untilMs - atMs));
    told.push(`${atMs} ms ${name}`);
  }
  return told.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

/** How long the fault lasts: at most until peace begins. */
const outage = (random: Random, lastMs: number) => Math.min(lastMs, 50 + random.next() * LONGEST_OUTAGE_MS);
const restart = (random: Random, lastMs: number) => Math.min(lastMs, 50 + random.next() * LONGEST_RESTART_MS);

const FAULTS: Readonly<Record<string, Fault>> = {
  'postgres crashes'({ time, database }, random, lastMs) {
    database.crash();
    database.server.state = 'down';
    time.after(restart(random, lastMs), () => Object.assign(database.server, { state: 'up' }));
  },
  'postgres is silent'({ time, database }, random, lastMs) {
    database.server.state = 'silent';
    time.after(outage(random, lastMs), () => Object.assign(database.server, { state: 'up' }));
  },
  'a foreign transaction holds the outbox'({ database }, random, lastMs) {
    database.holdOutbox(outage(random, lastMs));
  },
  'redis is silent'({ time, index }, random, lastMs) {
    index.server.state = 'silent';
    time.after(outage(random, lastMs), () => Object.assign(index.server, { state: 'up' }));
  },
  'redis comes back empty'({ time, index }, random, lastMs) {
    index.server.state = 'down';
    time.after(outage(random, lastMs), () => {
      index.restart();
      index.server.state = 'up';
    });
  },
  'redis is gone for longer than boards wait for it'({ time, index }, random, lastMs) {
    index.server.state = 'down';
    time.after(Math.min(lastMs, REDIS_PATIENCE_MS + random.next() * LONGEST_RESTART_MS), () => {
      index.restart();
      index.server.state = 'up';
    });
  },
  'redis comes back with older data'({ time, index }, random, lastMs) {
    const saved = index.save();
    time.after(Math.min(lastMs, random.next() * LONGEST_OUTAGE_MS), () => {
      index.restart(saved);
      index.server.state = 'up';
    });
  },
  'nats is down'({ time, bus }, random, lastMs) {
    bus.setState('down');
    time.after(outage(random, lastMs), () => bus.setState('up'));
  },
  'nats is silent'({ time, bus }, random, lastMs) {
    bus.setState('silent');
    time.after(outage(random, lastMs), () => bus.setState('up'));
  },
  'nats comes back without its store'({ time, bus }, random, lastMs) {
    bus.setState('down');
    bus.wipe();
    time.after(outage(random, lastMs), () => bus.setState('up'));
  },
  'a score service crashes'({ time, scores, startScore }, random, lastMs) {
    const slot = random.pick(scores);
    slot.node.process.alive = false;
    slot.server.life += 1;
    slot.server.state = 'down';
    time.after(restart(random, lastMs), () => {
      slot.node = startScore();
      slot.server.state = 'up';
    });
  },
  'a rank service crashes'({ time, ranks, startRank }, random, lastMs) {
    const slot = random.pick(ranks);
    slot.node.process.alive = false;
    slot.server.life += 1;
    slot.server.state = 'down';
    time.after(restart(random, lastMs), () => {
      slot.node = startRank();
      slot.server.state = 'up';
    });
  },
  'a rank service is stopped for a while'({ time, ranks }, random, lastMs) {
    const { process } = random.pick(ranks).node;
    const { promise, resolve } = Promise.withResolvers<void>();
    process.resumed = promise;
    time.after(outage(random, lastMs), () => {
      process.resumed = undefined;
      resolve();
    });
  },
  'both rank services are silent'({ time, ranks }, random, lastMs) {
    for (const { server } of ranks) server.state = 'silent';
    time.after(outage(random, lastMs), () => {
      for (const { server } of ranks) server.state = 'up';
    });
  },
  'score services can not reach rank'({ time, scoreToRank }, random, lastMs) {
    scoreToRank.state = random.chance(0.5) ? 'silent' : 'down';
    time.after(outage(random, lastMs), () => Object.assign(scoreToRank, { state: 'up' }));
  },
  'a fan-out node crashes'({ time, fanouts, startFanout }, random, lastMs) {
    const slot = random.pick(fanouts);
    slot.node.crash();
    slot.server.state = 'down';
    time.after(restart(random, lastMs), () => {
      slot.node = startFanout();
      slot.server.state = 'up';
    });
  },
  'a viewer stalls'({ viewers }, random, lastMs) {
    random.pick(viewers).stall(outage(random, lastMs));
  },
};
