/**
 * The page and the client modules of edge/web, read and stripped of their types once, at start. A path is looked up in the
 * list made then; nothing of a request ever becomes a file name.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import type { AllowedOrigins } from '../../../services/shared/http/origins.ts';
import type { EdgeConfig } from '../config.ts';
import { ANY_ORIGIN, type Exchange, type HeaderList, mayLackBody } from '../server/exchange.ts';
import { type Route, route } from '../server/http-server.ts';

const WEB = new URL('../../web/', import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
};

/** Clients ask again each time and mostly hear "not modified". */
const REVALIDATE = ['Cache-Control', 'no-cache'] as const;

interface File {
  readonly path: string;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly etag: string;
  readonly isPage: boolean;
  readonly isModule: boolean;
}

export function createPageRoutes(page: EdgeConfig['page'], allowedOrigins: AllowedOrigins): Route[] {
  const files = readdirSync(WEB).flatMap((name) => readFile(name) ?? []);
  return [
    ...files.map((file) => route('GET', file.path, (exchange) => serveFile(file, page, exchange))),
    route('GET', '/config.json', (exchange) => {
      // The page says its own origin, which no browser does by itself on the way to where the page came from.
      const origin = new URLSearchParams(exchange.query).get('origin');
      const allowed = origin === null || allowedOrigins.allows(origin, exchange.host);
      exchange.json(200, JSON.stringify({ ...urlsFor(exchange, page), ...(!allowed && { allowed }) }));
    }),
  ];
}

function readFile(name: string): File | undefined {
  const extension = extname(name);
  const contentType = CONTENT_TYPES[extension];
  if (contentType === undefined) return undefined;
  const source = readFileSync(new URL(name, WEB), 'utf8');
  const isModule = extension === '.ts';
  const bytes = Buffer.from(isModule ? stripTypeScriptTypes(source) : source);
  const publicName = isModule ? name.replace(/\.ts$/, '.js') : name;
  return {
    path: name === 'index.html' ? '/' : `/${publicName}`,
    bytes,
    contentType,
    etag: `"${createHash('sha256').update(bytes).digest('base64url')}"`,
    isPage: extension === '.html',
    isModule,
  };
}

function serveFile(file: File, page: EdgeConfig['page'], exchange: Exchange): void {
  const { bytes, contentType, etag } = file;
  // Other sites import the modules. They carry no secrets and need no cookies.
  if (file.isModule) exchange.corsHeaders = ANY_ORIGIN;
  const headers: HeaderList = [
    REVALIDATE,
    ['ETag', etag],
    ...(file.isPage ? pageHeaders(urlsFor(exchange, page)) : []),
  ];
  if (matches(exchange.header('if-none-match'), etag) && mayLackBody()) exchange.send(304, '', '', headers);
  else exchange.send(200, bytes, contentType, headers);
}

/** A proxy that packs the answer on its way marks our tag as weak; the file is still the same. */
function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

interface PageUrls {
  readonly fanoutUrl: string;
  readonly gameUrl: string;
}

/** As configured, or on the same host that the page was asked from. */
function urlsFor({ host }: Exchange, page: EdgeConfig['page']): PageUrls {
  return {
    fanoutUrl: page.fanoutUrl ?? `ws://${host}:${page.fanoutPort}/live`,
    gameUrl: page.gameUrl ?? `http://${host}:${page.gamePort}`,
  };
}

function pageHeaders({ fanoutUrl, gameUrl }: PageUrls): HeaderList {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${new URL(fanoutUrl).origin} ${new URL(gameUrl).origin}`,
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
