/**
 * The files of edge/web as browsers get them: modules stripped of their types, addresses with the version of all files, and
 * compressed copies. They are read once, at start.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { constants, gzipSync } from 'node:zlib';

const WEB = new URL('../../web/', import.meta.url);
/** Folders of edge/web, each served under its own name. The modules in the root are the documented addresses. */
const ROOMS = ['', 'client/', 'element/', 'page/'];
/** Type declarations for projects that import the modules. */
const TYPES = 'types/';
const PAGE = 'page/index.html';
const DECLARATIONS = '.d.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
  [DECLARATIONS]: 'text/plain; charset=utf-8',
};
/** What one file names another by: imports of modules, and the page's own references. */
const REFERENCES = /(?<=(?:from|import) ')\.[^']+\.js(?=')|(?<=(?:src|href)=")page\/[^"]+(?=")/g;

export interface PageFile {
  readonly path: string;
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
  /** Names the contents, whatever their encoding. */
  readonly etag: string;
  readonly isPage: boolean;
  /** Pages of any origin may load it. */
  readonly isPublic: boolean;
}

export interface PageFiles {
  readonly files: readonly PageFile[];
  /** Changes with any of the files. References carry it as `?v=`, so that a browser never mixes files of two versions. */
  readonly version: string;
}

export function readPageFiles(): PageFiles {
  const sources = [...ROOMS, TYPES]
    .flatMap((room) => readdirSync(new URL(room, WEB)).map((name) => `${room}${name}`))
    .filter((name) => CONTENT_TYPES[extensionOf(name)] !== undefined)
    .filter((name) => name.startsWith(TYPES) === name.endsWith(DECLARATIONS))
    .map((name) => ({ name, text: readSource(name) }));
  const version = digest(...sources.map(({ text }) => text)).slice(0, 12);
  return { version, files: sources.map(({ name, text }) => toFile(name, text, version)) };
}

function extensionOf(name: string): string {
  return name.endsWith(DECLARATIONS) ? DECLARATIONS : extname(name);
}

function readSource(name: string): string {
  const source = readFileSync(new URL(name, WEB), 'utf8');
  return extensionOf(name) === '.ts' ? stripTypeScriptTypes(source) : source;
}

function toFile(name: string, text: string, version: string): PageFile {
  const extension = extensionOf(name);
  const isModule = extension === '.ts';
  const isDeclaration = extension === DECLARATIONS;
  const bytes = Buffer.from(
    isDeclaration ? text : text.replaceAll(REFERENCES, (reference) => `${reference}?v=${version}`),
  );
  return {
    path: pathOf(name),
    contentType: CONTENT_TYPES[extension] ?? '',
    bytes,
    gzipped: gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }),
    etag: `"${digest(bytes)}"`,
    isPage: extension === '.html',
    isPublic: isModule || isDeclaration,
  };
}

function pathOf(name: string): string {
  if (name === PAGE) return '/';
  if (name.startsWith(TYPES)) return `/${name.slice(TYPES.length)}`;
  return `/${name.replace(/\.ts$/, '.js')}`;
}

function digest(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('base64url');
}
