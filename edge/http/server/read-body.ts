/**
 * Reads the whole body of a request. Refuses one that is too large only after the client has sent everything: a client that is
 * still sending often misses an early answer.
 */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { HttpResponse } from '../../../services/shared/http/uws.ts';

/** A body that exceeds its limit is read to its end, up to this many bytes more; then the connection must be closed. */
const DISCARD_LIMIT_BYTES = 16 * 1024 * 1024;

/** Rejects with BODY_TOO_LARGE. `onEndless` is called if the client went on sending beyond what is discarded. */
export function readWholeBody(
  response: HttpResponse,
  limitBytes: number,
  onEndless: () => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // One buffer for all pieces: many small ones would take far more memory than the limit.
    let kept: Buffer | undefined;
    let size = 0;
    response.onData((chunk, isLast) => {
      const start = size;
      size += chunk.byteLength;
      if (size > limitBytes) {
        const isEndless = size > limitBytes + DISCARD_LIMIT_BYTES;
        if (isEndless) onEndless();
        if (isLast || isEndless) reject(new AppError('BODY_TOO_LARGE'));
        return;
      }
      // uWebSockets.js takes the chunk's memory back when this returns.
      const piece = new Uint8Array(chunk);
      if (isLast && start === 0) {
        resolve(Buffer.from(piece));
        return;
      }
      kept ??= Buffer.allocUnsafe(limitBytes);
      kept.set(piece, start);
      if (isLast) resolve(kept.subarray(0, size));
    });
  });
}
