/** The bytes of a JSON body, without the compression that HTTP added. */
import { JSON_TYPE, judgeBodyForm, unpackBody } from '../../../services/shared/http/body-form.ts';
import type { Exchange } from '../server/exchange.ts';

export function readJson(exchange: Exchange, body: Buffer, limitBytes: number): Buffer | Promise<Buffer> {
  const encoding = exchange.header('content-encoding');
  const { coding } = judgeBodyForm(exchange.contentType, encoding, (mediaType) => mediaType === JSON_TYPE);
  return unpackBody(body, coding, limitBytes);
}
