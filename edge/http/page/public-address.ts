/**
 * Where the page is, as its browser sees it: what trusted proxies report, else what the request itself says. The values end up in the
 * page's policy and configuration, so each has a narrow form, and any other is refused.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { parseHostAndPort } from '../../../services/shared/http/request-head.ts';
import type { Exchange } from '../server/exchange.ts';

export interface PublicAddress {
  readonly scheme: 'http' | 'https';
  /** Without a port, as URLs write it. */
  readonly hostname: string;
  /** With the port, if one was given. */
  readonly host: string;
  /** The path under which a proxy serves the edge, such as `/board`; empty for none. */
  readonly prefix: string;
  /** Whether a trusted proxy told the host. Otherwise the request may have another host than the page's address. */
  readonly isHostTold: boolean;
}

const SCHEMES: ReadonlySet<string> = new Set(['http', 'https']);
/** Segments of unreserved characters; none of them is `.` or `..`. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*\/?$/;
const MAX_PREFIX_LENGTH = 256;

/** Refuses with REQUEST_INVALID what a proxy must not report. */
export function publicAddressOf(exchange: Pick<Exchange, 'header' | 'hop'>): PublicAddress {
  const { hop } = exchange;
  const own = exchange.header('host');
  if (hop === undefined) return { scheme: 'http', ...parseHost(own), prefix: '', isHostTold: false };
  const told = (name: string) => firstOf(exchange.header(name));
  const host = hop.host || told('x-forwarded-host');
  return {
    scheme: parseScheme(hop.proto || told('x-forwarded-proto')),
    ...parseHost(host || own),
    prefix: parsePrefix(told('x-forwarded-prefix')),
    isHostTold: host !== '',
  };
}

/** Each proxy may add a value of its own at the end; the first is that of the proxy which the browser called. */
function firstOf(list: string): string {
  return list.split(',', 1)[0]?.trim() ?? '';
}

function parseScheme(text: string): PublicAddress['scheme'] {
  const scheme = text === '' ? 'http' : text.toLowerCase();
  if (SCHEMES.has(scheme)) return scheme as PublicAddress['scheme'];
  throw invalid('X-Forwarded-Proto', 'http or https');
}

function parseHost(text: string): Pick<PublicAddress, 'hostname' | 'host'> {
  const parsed = parseHostAndPort(text);
  if (parsed === undefined)
    throw invalid('X-Forwarded-Host', 'one host name or address with an optional port');
  const { name, port } = parsed;
  return { hostname: name, host: port === '' ? name : `${name}:${port}` };
}

function parsePrefix(text: string): string {
  if (text.length <= MAX_PREFIX_LENGTH && PREFIX.test(text)) return text.replace(/\/$/, '');
  throw invalid('X-Forwarded-Prefix', 'a plain path such as /board');
}

function invalid(header: string, form: string): AppError {
  return new AppError('REQUEST_INVALID', { message: `The proxy's ${header} is not ${form}.` });
}
