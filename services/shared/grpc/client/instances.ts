/**
 * The instances of one service. A request goes to a connected instance with the fewest requests under way; those with equally
 * many take turns. Host names are looked up again every few seconds: a new instance is connected and then gets its share, one
 * that is gone answers what it has and gets no more.
 */
import { lookup } from 'node:dns/promises';
import { joinHostPort } from '../../net/host-port.ts';
import { type HostAndPort, parseServiceAddresses } from '../../net/service-addresses.ts';
import { createInstance, type Instance, type InstanceOptions } from './instance.ts';

/** All IP addresses of a host name. Rejects if there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export type Instances = ReturnType<typeof createInstances>;

/** A new instance gets its share within five seconds. */
const LOOK_UP_EVERY_MS = 2_000;
/** While a name has no address at all. */
const LOOK_UP_AGAIN_MS = 250;

async function lookUpHost(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

export function createInstances(address: string, options: InstanceOptions, find: Lookup = lookUpHost) {
  const { fixed, names } = parseServiceAddresses(address);
  const instances = new Map<string, Instance>(fixed.map((at) => [at, createInstance(at, options)]));
  let order = [...instances.values()];
  let next = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function keep(addresses: ReadonlySet<string>): void {
    for (const at of addresses) {
      if (!instances.has(at)) instances.set(at, createInstance(at, options));
    }
    for (const [at, instance] of instances) {
      if (addresses.has(at)) continue;
      instances.delete(at);
      instance.leave();
    }
    order = [...instances.values()];
  }

  const known = new Map<HostAndPort, readonly string[]>();
  async function resolve(): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const ips = await find(name.host).catch(() => undefined);
        // A name server that fails takes no instance away.
        if (ips !== undefined)
          known.set(
            name,
            ips.map((ip) => joinHostPort(ip, name.port)),
          );
      }),
    );
    if (isClosed) return;
    keep(new Set([...fixed, ...[...known.values()].flat()]));
    timer = setTimeout(() => void resolve(), order.length > 0 ? LOOK_UP_EVERY_MS : LOOK_UP_AGAIN_MS).unref();
  }
  const found = names.length === 0 ? undefined : resolve();

  return {
    /** Resolves when the host names were looked up for the first time; undefined if there are none. */
    found,
    all: (): readonly Instance[] => order,
    /** The instance for the next request; undefined if no name has an address. */
    pick(): Instance | undefined {
      if (order.length < 2) return order[0];
      const candidates = order.map((instance) => ({
        standing: instance.standing(),
        outstanding: instance.outstanding(),
      }));
      const chosen = choose(candidates, next);
      next = (chosen + 1) % order.length;
      return order[chosen];
    },
    close(): void {
      isClosed = true;
      clearTimeout(timer);
      for (const instance of order) instance.close();
    },
  };
}

interface Candidate {
  readonly standing: number;
  readonly outstanding: number;
}

/** The place of the candidate that takes the next request. Of equal ones it is the first at or after `from`. */
export function choose(candidates: readonly Candidate[], from: number): number {
  const inTurn = candidates.map((_, index) => (from + index) % candidates.length);
  return inTurn.reduce((best, place) => (isBetter(candidates[place], candidates[best]) ? place : best));
}

function isBetter(one: Candidate | undefined, other: Candidate | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  if (one.standing !== other.standing) return one.standing < other.standing;
  return one.outstanding < other.outstanding;
}
