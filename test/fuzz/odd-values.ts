/** What goes wrong in fields, headers and bodies: values at and beyond every limit, and bytes that are none of ours. */
import fc from 'fast-check';

const ODD_STRINGS = [
  '',
  ' ',
  'a',
  'global',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  "' or 1=1; --",
  '"; drop table actions; --',
  '%00',
  '%0d%0aSet-Cookie: a=b',
  '\u0000',
  '\r\n',
  '\u202e',
  '\ud800',
  '\ufeff',
  'é'.repeat(64),
  '🎮'.repeat(32),
  'x'.repeat(64),
  'x'.repeat(65),
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(3_000),
  'EVALSHA 0',
  'v1.k1.1800000000.AAAA',
];

const ODD_NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.1,
  1e308,
  -1e308,
  5e-324,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  2 ** 64,
];

/** Numbers that JSON.stringify would never write. */
const ODD_LITERALS = ['NaN', 'Infinity', '-0', '1e309', '9007199254740993', '0x10', '01', '1.', '.5', '+1'];

export const oddString = fc.oneof(
  fc.constantFrom(...ODD_STRINGS),
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
);

export const oddNumber = fc.oneof(fc.constantFrom(...ODD_NUMBERS), fc.double(), fc.integer());

export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: oddString },
  { weight: 3, arbitrary: oddNumber },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}, [[]], { valueOf: 1 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** A literal that stands in a JSON text where a value should. */
export const oddLiteral = fc.oneof(
  fc.constantFrom(...ODD_LITERALS),
  fc.constantFrom('['.repeat(500), '{"a":'.repeat(300), ''),
);

/** The bytes with a few of them changed, lost or doubled. */
export function damaged(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const harm = fc.record({ at: fc.nat(), how: fc.nat({ max: 3 }), byte: fc.nat({ max: 255 }) });
  return fc.tuple(bytes, fc.array(harm, { minLength: 1, maxLength: 4 })).map(([whole, harms]) =>
    harms.reduce<Buffer>((left, { at, how, byte }) => {
      const place = at % (left.length + 1);
      const [before, after] = [left.subarray(0, place), left.subarray(place)];
      if (how === 0) return before;
      if (how === 1) return Buffer.concat([before, Buffer.of(byte), after]);
      if (how === 2) return Buffer.concat([before, after.subarray(1)]);
      return Buffer.concat([before, Buffer.of(byte), after.subarray(1)]);
    }, whole),
  );
}

export const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

/** A header's value: any byte but control characters, which HTTP does not allow there and servers wait behind. */
export const headerValue = fc.oneof(
  oddString.map((text) => text.replaceAll(/[^\x20-\x7e\x80-\xff]/g, '')),
  fc
    .uint8Array({ maxLength: 60 })
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte < 32 ? byte + 32 : byte))).toString('latin1')),
);
