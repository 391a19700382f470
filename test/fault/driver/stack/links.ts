/** A proxy on every network link between two parts of the product. */
import { type FaultProxy, startProxy } from '../../network/proxy.ts';
import { type Component, LINK_NAMES, LINKS, type LinkName } from './components.ts';

export const HOST = '127.0.0.1';

export type Links = Readonly<Record<LinkName, FaultProxy>>;

export async function startLinks(ports: Readonly<Record<string, number>>): Promise<Links> {
  const started = await Promise.all(
    LINK_NAMES.map(
      async (name) => [name, await startProxy({ host: HOST, port: ports[LINKS[name][1]] ?? 0 })] as const,
    ),
  );
  return Object.fromEntries(started) as Record<LinkName, FaultProxy>;
}

/** The port by which one part reaches another; that of some other link where it never calls that part. */
export function portBetween(links: Links, from: Component, to: Component): number {
  const name = LINK_NAMES.find((link) => LINKS[link][0] === from && LINKS[link][1] === to);
  return links[name ?? 'client-edge'].port;
}
