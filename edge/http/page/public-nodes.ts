/** Where the page finds the other public nodes: the fan-out and the game server. */
import { type Environment, optionalText } from '../../../services/shared/settings/env.ts';
import type { PublicAddress } from './public-address.ts';

/**
 * A node is at its URL, or at a path below the page's own address, or by default on the page's host at the node's own port.
 */
export interface PublicNodes {
  /** An absolute URL, or a path such as `/live`. */
  readonly fanoutUrl: string | undefined;
  readonly fanoutPort: number;
  /** An absolute URL, or a path such as `/game`. */
  readonly gameUrl: string | undefined;
  readonly gamePort: number;
}

/** What the page is told. A relative address counts from the address of the page. */
export interface PageUrls {
  readonly fanoutUrl: string;
  readonly gameUrl: string;
}

/** Segments of unreserved characters; none of them is `.` or `..`. */
const PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/;

/** The setting, if it is set. Throws unless it is a path or a URL of one of the schemes. */
export function parsePublicUrl(
  env: Environment,
  name: 'FANOUT_PUBLIC_URL' | 'GAME_PUBLIC_URL',
  schemes: readonly string[],
): string | undefined {
  const value = optionalText(env, name);
  if (value === undefined || PATH.test(value)) return value;
  if (schemes.includes(URL.parse(value)?.protocol ?? '')) return value;
  const examples = schemes.map((scheme) => `${scheme}//host`).join(' or ');
  throw new Error(`${name} must be a URL such as ${examples}, or a path such as /live, not "${value}"`);
}

export function urlsOf(nodes: PublicNodes, page: PublicAddress): PageUrls {
  const socketScheme = page.scheme === 'https' ? 'wss' : 'ws';
  return {
    fanoutUrl: nodes.fanoutUrl
      ? resolve(nodes.fanoutUrl, socketScheme, page)
      : `${socketScheme}://${page.hostname}:${nodes.fanoutPort}/live`,
    gameUrl: nodes.gameUrl
      ? resolve(nodes.gameUrl, page.scheme, page)
      : `${page.scheme}://${page.hostname}:${nodes.gamePort}`,
  };
}

/** A path becomes absolute if the page's own address is known, and relative to it otherwise. */
function resolve(url: string, scheme: string, page: PublicAddress): string {
  if (!url.startsWith('/')) return url;
  return page.isHostTold ? `${scheme}://${page.host}${page.prefix}${url}` : url.slice(1);
}
