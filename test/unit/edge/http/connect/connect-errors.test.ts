import { fromBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { errorFromJsonBytes } from '@connectrpc/connect/protocol-connect';
import { expect, test } from 'vitest';
import {
  connectErrorBody,
  refusalOfStatus,
  toConnectError,
} from '../../../../../edge/http/connect/connect-errors.ts';
import { ErrorDetailSchema } from '../../../../../gen/scoreboard/error/v1/error_pb.ts';
import { AppError, isReason, REASONS } from '../../../../../services/shared/errors/app-error.ts';

const reasons = Object.keys(REASONS).filter(isReason);

test.each(reasons)('the reason %s reaches a Connect client with its code, message and detail', (reason) => {
  const error = new AppError(reason, { retryAfterMs: 1_200 });
  const fallback = toConnectError(new AppError('INTERNAL'));
  const heard = errorFromJsonBytes(Buffer.from(connectErrorBody(error)), undefined, fallback);
  expect(Code[heard.code]?.toLowerCase()).toBe(error.kind.replaceAll('_', ''));
  expect(heard.rawMessage).toBe(error.message);
  expect(heard.findDetails(ErrorDetailSchema)).toMatchObject([{ reason, retryAfterMs: 1_200 }]);
  expect(toConnectError(error).findDetails(ErrorDetailSchema)).toMatchObject([{ reason }]);
  expect(JSON.parse(connectErrorBody(error)).reason).toBe(reason);
});

test.each([
  [400, 'BODY_INVALID'],
  [415, 'CONTENT_TYPE_UNSUPPORTED'],
  [429, 'BODY_TOO_LARGE'],
  [501, 'CONTENT_TYPE_UNSUPPORTED'],
  [500, 'INTERNAL'],
  [505, 'INTERNAL'],
])('a refusal by Connect itself with status %i is %s', (status, reason) => {
  expect(refusalOfStatus(status).reason).toBe(reason);
});

test('a detail is base64 without padding, as Connect writes it', () => {
  const { details } = JSON.parse(connectErrorBody(new AppError('SIGNATURE_INVALID')));
  expect(details[0].type).toBe('scoreboard.error.v1.ErrorDetail');
  expect(details[0].value).not.toContain('=');
  const detail = fromBinary(ErrorDetailSchema, Buffer.from(details[0].value, 'base64'));
  expect(detail.reason).toBe('SIGNATURE_INVALID');
});
