/**
 * What can be done to a component: kill it, pause it, cut a link to it, put its clock off, bring a server back with less
 * than it had, make it answer and not do its work, or use a server that is not ours alone.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listProcesses, parentOf, signalProcess } from '../../../../dev/host/process-table.ts';
import type { Random } from '../../../support/random.ts';
import type { ProxyMode } from '../../network/proxy.ts';
import { COMPONENTS, type Component, isUnit, type LinkName, linksTo } from '../stack/components.ts';
import type { FaultStack } from '../stack/stack.ts';
import { holdForeignTransactions } from './foreign-transaction.ts';
import { disableJetStream, fillDisk, flushScripts, makeReadOnly, withRedis } from './wrong-servers.ts';

/**
 * `down` is a server that can't be reached, and that comes back with its data. `foreign-transaction` is one that is open
 * on the Postgres server while Redis is restarted, and stays open.
 */
export type FaultKind =
  | 'kill'
  | 'pause'
  | 'cut'
  | 'skew'
  | 'restart-empty'
  | 'restart-older'
  | 'down'
  | 'foreign-transaction'
  | 'script-flush'
  | 'read-only'
  | 'no-jetstream'
  | 'disk-full';

export interface Fault {
  readonly component: Component;
  readonly kind: FaultKind;
  readonly lastsMs: number;
  /** Of a cut. */
  readonly link: LinkName | undefined;
  readonly mode: ProxyMode;
  /** Of a skew: how far the clock jumps, and back when it is over. */
  readonly shiftMs: number;
}

/** As the record names it: a cut is a fault of its link. */
export function nameOf({ component, kind, link, mode }: Fault): { component: string; kind: string } {
  return kind === 'cut' ? { component: link ?? component, kind: mode.kind } : { component, kind };
}

const PASS: ProxyMode = { kind: 'pass' };
const CUTS: readonly ProxyMode[] = [
  { kind: 'drop-replies' },
  { kind: 'blackhole' },
  { kind: 'one-way' },
  { kind: 'reset' },
  { kind: 'half-open' },
  { kind: 'delay', ms: 150 },
  { kind: 'slow', bytesPerSecond: 20_000 },
  { kind: 'cut-after', bytes: 2_000 },
];
/** Everything must be well again while the transaction is still open. */
const HELD_MS = 25_000;
/** More than any window of a token or a signature tolerates. */
const SHIFTS_MS = [-300_000, 300_000];

/** The kinds that make sense for a component. Postgres is the truth: with less than it had nothing could be kept. */
export function kindsOf(component: Component): FaultKind[] {
  const kinds: FaultKind[] = ['kill', 'pause', 'cut'];
  if (isUnit(component)) kinds.push('skew');
  if (component === 'postgres') kinds.push('foreign-transaction', 'read-only', 'disk-full');
  if (component === 'nats') kinds.push('restart-empty', 'no-jetstream', 'disk-full');
  if (component === 'redis') kinds.push('restart-empty', 'restart-older', 'script-flush');
  return kinds;
}

export function makeFault(component: Component, kind: FaultKind, lastsMs: number, random: Random): Fault {
  const link = kind === 'cut' ? random.pick(linksTo(component)) : undefined;
  const mode = kind === 'cut' ? random.pick(CUTS) : PASS;
  return { component, kind, lastsMs, link, mode, shiftMs: kind === 'skew' ? random.pick(SHIFTS_MS) : 0 };
}

export function randomFault(random: Random, longestMs: number): Fault {
  const component = random.pick(COMPONENTS);
  return makeFault(component, random.pick(kindsOf(component)), random.whole(200, longestMs), random);
}

/** Does it and undoes it. Resolves when the component may be whole again, which for a killed one is its supervisor's work. */
export async function inflict(fault: Fault, stack: FaultStack): Promise<void> {
  const { component, kind, lastsMs, link, mode, shiftMs } = fault;
  switch (kind) {
    case 'cut': {
      const proxy = link && stack.proxies[link];
      proxy?.setMode(mode);
      await sleep(lastsMs);
      proxy?.setMode(PASS);
      return;
    }
    case 'down': {
      const proxies = linksTo(component).map((name) => stack.proxies[name]);
      for (const proxy of proxies) proxy.setMode({ kind: 'reset' });
      await sleep(lastsMs);
      for (const proxy of proxies) proxy.setMode(PASS);
      return;
    }
    case 'pause': {
      const pids = familyOf(stack.pidOf(component));
      for (const pid of pids) signalProcess(pid, 'SIGSTOP');
      await sleep(lastsMs);
      for (const pid of pids) signalProcess(pid, 'SIGCONT');
      return;
    }
    case 'skew': {
      if (!isUnit(component)) throw new Error(`${component} has no clock of its own`);
      stack.clocks.shift(component, shiftMs);
      await sleep(lastsMs);
      stack.clocks.shift(component, 0);
      return;
    }
    case 'foreign-transaction':
      await holdForeignTransactions(stack.direct.databaseUrl, lastsMs + HELD_MS);
      await sleep(lastsMs);
      return end('redis', stack, () => forget('redis', stack));
    case 'read-only':
      return makeReadOnly(stack, lastsMs);
    case 'script-flush':
      return flushScripts(stack, lastsMs);
    case 'no-jetstream':
      return disableJetStream(stack);
    case 'disk-full':
      if (isUnit(component)) throw new Error(`${component} has no disk of its own`);
      return fillDisk(component, stack, lastsMs);
    case 'restart-older':
      await saveRedis(stack);
      await sleep(lastsMs);
      return end(component, stack);
    case 'restart-empty':
      return end(component, stack, () => forget(component, stack));
    case 'kill':
      return end(component, stack, component === 'redis' ? () => forget(component, stack) : undefined);
  }
}

/** Killed hard; what happens while it is stopped can't be seen by it any more. */
async function end(component: Component, stack: FaultStack, meanwhile?: () => void): Promise<void> {
  const pid = stack.pidOf(component);
  stack.expectEnd(component);
  signalProcess(pid, 'SIGSTOP');
  meanwhile?.();
  signalProcess(pid, 'SIGKILL');
  // Postgres' backends notice by themselves, in their own time, that their parent is gone.
  while (stack.pidOf(component) === pid) await sleep(20);
}

function forget(component: Component, stack: FaultStack): void {
  const path =
    component === 'nats'
      ? join(stack.folderOf('nats'), 'jetstream')
      : join(stack.folderOf('redis'), 'dump.rdb');
  rmSync(path, { recursive: true, force: true });
}

/** Our Redis keeps nothing on disk by itself; what is saved here it finds again when it starts. */
async function saveRedis(stack: FaultStack): Promise<void> {
  await withRedis(stack, (redis) => redis.save());
}

/** A process and all that it started. */
function familyOf(pid: number): number[] {
  const all = listProcesses().map((each) => ({ pid: each, parent: parentOf(each) }));
  const family = [pid];
  for (const member of family) {
    family.push(...all.filter(({ parent }) => parent === member).map((child) => child.pid));
  }
  return family;
}
