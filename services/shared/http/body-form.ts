/**
 * The form of a request body: its media type and its compression, judged by one rule for REST, Connect and the game server. Spelling
 * does not matter where RFC 9110 says so (case, quotes, spaces, a semicolon at the end), and `utf8` is read as the UTF-8 that its
 * sender means. Unknown parameters are ignored, another charset is not.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AppError } from '../errors/app-error.ts';

export const JSON_TYPE = 'application/json';

export interface BodyForm {
  /** In lower case, without parameters. */
  readonly mediaType: string;
  readonly coding: 'identity' | 'gzip';
}

const PARAMETER = /^([!#$%&'*+.^_`|~0-9a-z-]+)=([!#$%&'*+.^_`|~0-9a-z-]+|"[^"]*")$/;
const UTF_8 = /^(?:utf-?8|"utf-?8")$/;
const CODINGS: Readonly<Record<string, BodyForm['coding']>> = {
  '': 'identity',
  identity: 'identity',
  gzip: 'gzip',
  // The same, by its older name (RFC 9110, 8.4.1.3).
  'x-gzip': 'gzip',
};
const PLAIN_JSON: BodyForm = { mediaType: JSON_TYPE, coding: 'identity' };

/** Judges Content-Type and Content-Encoding. Refuses with CONTENT_TYPE_UNSUPPORTED. */
export function judgeBodyForm(
  contentType: string,
  contentEncoding: string,
  accepts: (mediaType: string) => boolean,
): BodyForm {
  // Most clients send exactly this.
  if (contentType === JSON_TYPE && contentEncoding === '' && accepts(JSON_TYPE)) return PLAIN_JSON;
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === undefined || !accepts(mediaType)) throw new AppError('CONTENT_TYPE_UNSUPPORTED');
  const name = contentEncoding.trim().toLowerCase();
  const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined;
  if (coding !== undefined) return { mediaType, coding };
  throw new AppError('CONTENT_TYPE_UNSUPPORTED', {
    message: 'This Content-Encoding is not supported: send the body as it is, or with gzip.',
  });
}

/** The type without its parameters; undefined if the header is malformed or names a charset other than UTF-8. */
function mediaTypeOf(contentType: string): string | undefined {
  const [mediaType, ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  return parameters.every(isAcceptable) ? mediaType : undefined;
}

function isAcceptable(parameter: string): boolean {
  if (parameter === '') return true;
  const [, name, value = ''] = PARAMETER.exec(parameter) ?? [];
  return name === 'charset' ? UTF_8.test(value) : name !== undefined;
}

const unzip = promisify(gunzip);

/** The bytes without their compression. Refuses more than the limit with BODY_TOO_LARGE, and damaged ones with BODY_INVALID. */
export function unpackBody(
  bytes: Buffer,
  coding: BodyForm['coding'],
  limitBytes: number,
): Buffer | Promise<Buffer> {
  if (coding === 'identity') return bytes;
  return unzip(bytes, { maxOutputLength: limitBytes }).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(cause.code === 'ERR_BUFFER_TOO_LARGE' ? 'BODY_TOO_LARGE' : 'BODY_INVALID', { cause });
  });
}
