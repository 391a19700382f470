/** What a protocol handler gets of a request: the headers that it reads, and the body. */
import { toAppError } from '../../../services/shared/errors/app-error.ts';
import { judgeBodyForm, unpackBody } from '../../../services/shared/http/body-form.ts';
import type { Exchange } from '../server/exchange.ts';
import type { Call } from './call.ts';
import { toConnectError } from './connect-errors.ts';

/** Limit of the body, compressed and uncompressed. */
export const READ_MAX_BYTES = 32 * 1024;

/** The request headers that the protocols read. */
const PROTOCOL_HEADERS = [
  'accept-encoding',
  'connect-protocol-version',
  'connect-timeout-ms',
  'grpc-encoding',
  'grpc-accept-encoding',
  'grpc-timeout',
  'x-grpc-web',
];

/** The media types of Connect's unary calls and of gRPC-web. */
const PROTOCOL = /^application\/(?:json|proto|grpc-web(?:-text)?(?:\+(?:proto|json))?)$/;
const isProtocol = (mediaType: string) => PROTOCOL.test(mediaType);

export function protocolHeaders(exchange: Exchange): Headers {
  const headers = new Headers();
  for (const name of PROTOCOL_HEADERS) {
    const value = exchange.header(name);
    if (value !== '') headers.set(name, value);
  }
  return headers;
}

/**
 * The body, or a body whose reading fails, so that Connect reports the refusal in the client's protocol. Connect gets the media type as
 * it writes it itself, and the body without the compression that HTTP added.
 */
export async function receive(call: Call, header: Headers): Promise<AsyncIterable<Uint8Array>> {
  const { exchange } = call;
  const { contentType } = exchange;
  try {
    const body = await exchange.readBody(READ_MAX_BYTES);
    const form = judgeBodyForm(contentType, exchange.header('content-encoding'), isProtocol);
    header.set('content-type', form.mediaType);
    return chunksOf(await unpackBody(body, form.coding, READ_MAX_BYTES));
  } catch (thrown) {
    call.refusal = toAppError(thrown);
    if (!header.has('content-type')) header.set('content-type', contentType.split(';', 1)[0] ?? '');
    return refusing(toConnectError(call.refusal));
  }
}

export async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** A body whose reading fails. */
export function refusing(error: Error): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}
