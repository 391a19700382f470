/**
 * google.rpc.Status with our ErrorDetail inside: the value of the `grpc-status-details-bin` trailer. Written and read field by
 * field, since no package that we use contains the message.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ErrorDetailSchema } from '../../../gen/scoreboard/error/v1/error_pb.ts';
import { AppError, isReason } from './app-error.ts';
import { ERROR_TABLE } from './error-table.ts';

const DETAIL_TYPE_URL = `type.googleapis.com/${ErrorDetailSchema.typeName}`;
const STATUS = { code: 1, message: 2, details: 3 } as const;
const ANY = { typeUrl: 1, value: 2 } as const;

export function encodeStatusDetails(error: AppError): Uint8Array {
  const detail = create(ErrorDetailSchema, { reason: error.reason, retryAfterMs: error.retryAfterMs });
  const writer = new BinaryWriter();
  writer.tag(STATUS.code, WireType.Varint).int32(ERROR_TABLE[error.kind].code);
  writer.tag(STATUS.message, WireType.LengthDelimited).string(error.message);
  writer.tag(STATUS.details, WireType.LengthDelimited).fork();
  writer.tag(ANY.typeUrl, WireType.LengthDelimited).string(DETAIL_TYPE_URL);
  writer.tag(ANY.value, WireType.LengthDelimited).bytes(toBinary(ErrorDetailSchema, detail));
  return writer.join().finish();
}

/** The refusal that a server of ours encoded. Undefined for any other bytes. */
export function decodeStatusDetails(bytes: Uint8Array): AppError | undefined {
  const reader = new BinaryReader(bytes);
  let message = '';
  let any: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === STATUS.message) message = reader.string();
    else if (field === STATUS.details) any = reader.bytes();
    else reader.skip(wireType);
  }
  if (any === undefined) return undefined;
  const detail = decodeAny(any);
  if (detail === undefined || !isReason(detail.reason)) return undefined;
  return new AppError(detail.reason, { message, retryAfterMs: detail.retryAfterMs });
}

function decodeAny(bytes: Uint8Array) {
  const reader = new BinaryReader(bytes);
  let typeUrl = '';
  let value = new Uint8Array();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === ANY.typeUrl) typeUrl = reader.string();
    else if (field === ANY.value) value = reader.bytes() as Uint8Array<ArrayBuffer>;
    else reader.skip(wireType);
  }
  return typeUrl === DETAIL_TYPE_URL ? fromBinary(ErrorDetailSchema, value) : undefined;
}
