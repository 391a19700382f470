/** The whole answer of a protocol handler, and what it says of the call. A gRPC-web answer carries its error inside. */
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';

export interface WholeAnswer {
  readonly status: number;
  readonly header: Headers | undefined;
  readonly body: Buffer;
}

export async function readWhole({ status, header, body }: UniversalServerResponse): Promise<WholeAnswer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return { status, header, body: Buffer.concat(chunks) };
}

export const isGrpcWeb = ({ status }: WholeAnswer): boolean => status < 400;

/** Unknown, internal, data loss. */
const FAULT_TRAILER = /grpc-status: ?(?:2|13|15)\r\n/;

export function isFault(response: WholeAnswer): boolean {
  if (!isGrpcWeb(response)) return response.status === 500;
  return FAULT_TRAILER.test(trailersOf(response));
}

function trailersOf({ header, body }: WholeAnswer): string {
  const inHeader = header?.get('grpc-status');
  return inHeader == null ? body.toString('latin1') : `grpc-status: ${inHeader}\r\n`;
}

/** Connect refuses some requests itself, such as a frame that is cut off, with "invalid argument". */
export function isRefusedByConnect(response: WholeAnswer): boolean {
  return /grpc-status: ?3\r\n/.test(trailersOf(response));
}
