/** Serves the demo page and the client modules of edge/web. A request's path is looked up and never becomes a file name. */
import type { HeaderList } from '../../../services/shared/http/error-answer.ts';
import type { AllowedOrigins } from '../../../services/shared/http/origins.ts';
import { matchesEtag } from '../server/etag.ts';
import { ANY_ORIGIN, CACHE_CONTROL, type Exchange, mayLackBody } from '../server/exchange.ts';
import { type Route, route } from '../server/http-server.ts';
import { type PageFile, readPageFiles } from './page-files.ts';
import { publicAddressOf } from './public-address.ts';
import { type PageUrls, type PublicNodes, urlsOf } from './public-nodes.ts';

/** Browsers keep the files but revalidate them each time; the usual answer is 304. */
const REVALIDATE = [CACHE_CONTROL, 'no-cache'] as const;
/** The policy of the page depends on the request, so a cache that browsers share must not keep it. */
const REVALIDATE_PAGE = [CACHE_CONTROL, 'private, no-cache'] as const;
/** Of an address with the version of the file: it never names other contents. */
const KEEP = [CACHE_CONTROL, 'public, max-age=31536000, immutable'] as const;
const VARY = ['Vary', 'Accept-Encoding'] as const;
const GZIPPED = ['Content-Encoding', 'gzip'] as const;

export function createPageRoutes(nodes: PublicNodes, allowedOrigins: AllowedOrigins): Route[] {
  const { files, version } = readPageFiles();
  return [
    ...files.map((file) =>
      route('GET', file.path, (exchange) => {
        if (file.isPage) serveFile(file, exchange, [REVALIDATE_PAGE, ...pageHeaders(nodes, exchange)]);
        else serveFile(file, exchange, [isOfVersion(exchange, version) ? KEEP : REVALIDATE]);
      }),
    ),
    route('GET', '/config.json', (exchange) => {
      // The page passes its origin as a parameter, because browsers send no Origin header on same-origin GET requests.
      const origin = new URLSearchParams(exchange.query).get('origin');
      const allowed = origin === null || allowedOrigins.allows(origin, exchange.host);
      const urls = urlsOf(nodes, publicAddressOf(exchange));
      exchange.json(200, JSON.stringify({ ...urls, ...(!allowed && { allowed }) }));
    }),
  ];
}

/** While nodes of two versions serve one page, a node may be asked for files of the other: its answer must not be kept. */
function isOfVersion(exchange: Exchange, version: string): boolean {
  return new URLSearchParams(exchange.query).get('v') === version;
}

function serveFile(file: PageFile, exchange: Exchange, more: HeaderList): void {
  const { bytes, gzipped, contentType, etag } = file;
  // They hold no secrets.
  if (file.isPublic) exchange.corsHeaders = ANY_ORIGIN;
  const isGzipped = acceptsGzip(exchange.header('accept-encoding'));
  // A weak ETag names the contents in any encoding.
  const headers: HeaderList = [...more, VARY, ['ETag', isGzipped ? `W/${etag}` : etag]];
  if (matchesEtag(exchange.header('if-none-match'), etag) && mayLackBody())
    exchange.send(304, '', '', headers);
  else if (isGzipped) exchange.send(200, gzipped, contentType, [...headers, GZIPPED]);
  else exchange.send(200, bytes, contentType, headers);
}

function acceptsGzip(acceptEncoding: string): boolean {
  return acceptEncoding.split(',').some((coding) => {
    const [name = '', quality = ''] = coding.split(';');
    return name.trim().toLowerCase() === 'gzip' && !/^\s*q=0(?:\.0*)?\s*$/i.test(quality);
  });
}

function pageHeaders(nodes: PublicNodes, exchange: Exchange): HeaderList {
  const { fanoutUrl, gameUrl }: PageUrls = urlsOf(nodes, publicAddressOf(exchange));
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    ['connect-src', "'self'", ...originsOf(fanoutUrl, gameUrl)].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return [
    ['Content-Security-Policy', policy.join('; ')],
    ['Referrer-Policy', 'no-referrer'],
    ['Cross-Origin-Opener-Policy', 'same-origin'],
  ];
}

/** Relative addresses have the origin of the page, which `'self'` allows. */
function originsOf(...urls: readonly string[]): string[] {
  return urls.flatMap((url) => URL.parse(url)?.origin ?? []);
}
