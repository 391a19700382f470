/**
 * The hops that proxies report, as X-Forwarded-For and Forwarded (RFC 7239) write them. Both lists are read from the right, since
 * everything left of what our own proxy added comes from its client: whatever that client wrote, such as a quote that is never
 * closed, can't change how the rest is read.
 */
import { parseAddress } from './networks.ts';

/** What one proxy reports about the request that it received. */
export interface Hop {
  /** The canonical address of the peer; undefined if the proxy does not know or does not tell it. */
  readonly address: string | undefined;
  /** The scheme and the host of the request, as written; only in `Forwarded`. */
  readonly proto?: string | undefined;
  readonly host?: string | undefined;
}

/** An address with or without brackets, quotes and a port. A bare IPv6 address has no port. A port may be hidden behind a name. */
const NODE = /^"?(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::(?:\d{1,5}|_[a-z0-9._-]+))?"?$/i;
const QUOTED = /^"((?:[^"\\]|\\.)*)"$/;

/** The address in one entry, in its canonical form; undefined for `unknown`, a hidden name, and anything else. */
export function parseNode(text: string): string | undefined {
  const [, inBrackets, plain] = NODE.exec(text) ?? [];
  return parseAddress(inBrackets ?? plain ?? text);
}

/** The entries of X-Forwarded-For, the nearest first. Its lines must have been joined with commas. */
export function* hopsOfList(forwardedFor: string): Generator<Hop> {
  for (const entry of forwardedFor.split(',').reverse()) yield { address: parseNode(entry.trim()) };
}

/** The elements of Forwarded, the nearest first. Its lines must have been joined with commas. */
export function* hopsOfForwarded(forwarded: string): Generator<Hop> {
  for (const element of splitFromRight(forwarded, ',')) {
    const pairs = new Map(splitFromRight(element, ';').map(readPair));
    yield {
      address: parseNode(pairs.get('for') ?? ''),
      proto: pairs.get('proto'),
      host: pairs.get('host'),
    };
  }
}

/** Parts of the text between separators outside quotes, the last part first. */
function splitFromRight(text: string, separator: string): string[] {
  const parts: string[] = [];
  let end = text.length;
  let isQuoted = false;
  for (let at = end - 1; at >= 0; at -= 1) {
    const character = text[at];
    if (character === '"' && !isEscaped(text, at)) isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(at + 1, end));
      end = at;
    }
  }
  return [...parts, text.slice(0, end)];
}

/** Whether an odd number of backslashes precedes the character. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === '\\') before -= 1;
  return (at - before) % 2 === 0;
}

function readPair(pair: string): [name: string, value: string] {
  const [name = '', ...rest] = pair.split('=');
  const value = rest.join('=').trim();
  const quoted = QUOTED.exec(value)?.[1];
  return [name.trim().toLowerCase(), quoted === undefined ? value : quoted.replace(/\\(.)/g, '$1')];
}
