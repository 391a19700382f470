/** Refusals as Connect's errors, and as the one error shape with the details that Connect clients read. */
import { create, toBinary } from '@bufbuild/protobuf';
import { type Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '../../../gen/scoreboard/error/v1/error_pb.ts';
import { AppError, type Reason } from '../../../services/shared/errors/app-error.ts';
import { ERROR_TABLE } from '../../../services/shared/errors/error-table.ts';

/** A refusal for gRPC-web and Connect clients, with the reason as a detail. */
export function toConnectError({ kind, reason, message, retryAfterMs }: AppError): ConnectError {
  const code: Code = ERROR_TABLE[kind].code;
  return new ConnectError(message, code, undefined, [
    { desc: ErrorDetailSchema, value: { reason, retryAfterMs } },
  ]);
}

/** The JSON body of a Connect error: Connect's fields, and `reason` as in every error of ours. */
export function connectErrorBody({ kind, reason, message, retryAfterMs }: AppError): string {
  const detail = toBinary(ErrorDetailSchema, create(ErrorDetailSchema, { reason, retryAfterMs }));
  return JSON.stringify({
    code: kind,
    reason,
    message,
    // Connect writes base64 without padding.
    details: [
      { type: ErrorDetailSchema.typeName, value: Buffer.from(detail).toString('base64').replace(/=+$/, '') },
    ],
  });
}

/** Refusals by Connect itself, before any handler runs, by the status that it answers with. */
const REASON_OF_STATUS: Readonly<Record<number, Reason>> = {
  // The message is not of the method's type, or a protocol header is invalid.
  400: 'BODY_INVALID',
  415: 'CONTENT_TYPE_UNSUPPORTED',
  // Larger than the limit, compressed or uncompressed.
  429: 'BODY_TOO_LARGE',
  // The compression is not supported.
  501: 'CONTENT_TYPE_UNSUPPORTED',
};

export function refusalOfStatus(status: number): AppError {
  return new AppError(REASON_OF_STATUS[status] ?? 'INTERNAL');
}
