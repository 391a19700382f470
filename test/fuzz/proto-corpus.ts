/** Messages made from their descriptors: each field as it should be, at its limits, of another type, or not at all. */
import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { damaged, oddLiteral, oddString, oddValue } from './odd-values.ts';

const U64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 1n, 2n ** 53n));
const U32 = fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.constantFrom(0, 1, 100, 101));

/** A value that the field's type allows. */
function fitting(field: DescField): fc.Arbitrary<unknown> {
  const isList = field.fieldKind === 'list' && field.listKind === 'scalar';
  if (isList) return fc.array(fittingScalar(field.scalar, field.name), { maxLength: 8 });
  if (field.fieldKind === 'scalar') return fittingScalar(field.scalar, field.name);
  throw new Error(`${field.name} is of a kind that no request has`);
}

function fittingScalar(type: ScalarType, name: string): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return oddString.map((text) => text.replaceAll(/[\ud800-\udfff]/g, ''));
    case ScalarType.UINT64:
      return U64;
    case ScalarType.UINT32:
      return U32;
    default:
      throw new Error(`${name} is of a type that no request has`);
  }
}

/** JSON of a message, by either name of its fields, with fields that it does not have. */
export function jsonBody(message: DescMessage): fc.Arbitrary<Buffer> {
  const names = message.fields.flatMap(({ name, jsonName }) => [name, jsonName]);
  const hasFields = names.length > 0;
  const name = fc.oneof(...(hasFields ? [{ weight: 8, arbitrary: fc.constantFrom(...names) }] : []), {
    weight: 1,
    arbitrary: oddString,
  });
  const value = fc.oneof(
    ...(hasFields ? [{ weight: 3, arbitrary: fc.oneof(...message.fields.map(fitting)).map(toJson) }] : []),
    { weight: 3, arbitrary: oddValue.map(toJson) },
    { weight: 1, arbitrary: oddLiteral },
  );
  const text = fc
    .array(
      fc.tuple(
        name.map((word) => JSON.stringify(word)),
        value,
      ),
      { maxLength: 8 },
    )
    .map((pairs) => Buffer.from(`{${pairs.map((pair) => pair.join(':')).join()}}`));
  return fc.oneof({ weight: 3, arbitrary: text }, { weight: 1, arbitrary: damaged(text) });
}

function toJson(value: unknown): string {
  return typeof value === 'bigint' ? `"${value}"` : (JSON.stringify(value) ?? 'null');
}

/** Each field by its name, and of those of which a message has one at most, that one. */
function partsOf({ fields, oneofs }: DescMessage): Record<string, fc.Arbitrary<unknown>> {
  const single = fields.filter(({ oneof }) => oneof === undefined);
  const choices = oneofs.map((each) => {
    const cases = each.fields.map((field) =>
      fitting(field).map((value) => ({ case: field.localName, value })),
    );
    return [each.localName, fc.oneof(...cases)] as const;
  });
  return Object.fromEntries([
    ...single.map((field) => [field.localName, fitting(field)] as const),
    ...choices,
  ]);
}

/** The binary form: whole, damaged, or fields with numbers and wire types of chance. */
export function binaryBody(message: DescMessage): fc.Arbitrary<Buffer> {
  const whole = fc.record(partsOf(message), { requiredKeys: [] }).map((init) => {
    return Buffer.from(toBinary(message, create(message, init as MessageInitShape<DescMessage>)));
  });
  return fc.oneof(whole, damaged(whole), wildFields);
}

const wildFields = fc
  .array(
    fc.record({
      number: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 2 ** 29 - 1 })),
      type: fc.constantFrom(...[0, 1, 2, 3, 4, 5]),
      value: fc.nat(),
      bytes: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 10 },
  )
  .map((fields) => {
    const writer = new BinaryWriter();
    for (const { number, type, value, bytes } of fields) {
      writer.tag(number, type);
      if (type === WireType.Varint) writer.uint32(value);
      else if (type === WireType.Bit32) writer.fixed32(value);
      else if (type === WireType.Bit64) writer.fixed64(value);
      else if (type === WireType.LengthDelimited) writer.bytes(bytes);
    }
    return Buffer.from(writer.finish());
  });
