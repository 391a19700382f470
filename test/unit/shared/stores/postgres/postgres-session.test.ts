import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  BYTEA,
  pooledParameters,
  sessionParameters,
} from '../../../../../services/shared/stores/postgres/postgres-session.ts';

/** As Postgres writes it with bytea_output = 'escape'. */
function inEscapeForm(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    if (byte === 0x5c) return '\\\\';
    return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte);
  }).join('');
}

it('bytes are read alike in both forms that a server may write', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const expected = Buffer.from(bytes);
      expect(BYTEA.parse(`\\x${expected.toString('hex')}`)).toEqual(expected);
      expect(BYTEA.parse(inEscapeForm(bytes))).toEqual(expected);
      expect(BYTEA.parse(BYTEA.serialize(bytes))).toEqual(expected);
    }),
  );
});

it('a pooler is asked only for what it keeps for each client', () => {
  const given = { applicationName: 'test', searchPath: 'x', statementTimeoutMs: 700, options: undefined };
  expect(Object.keys(pooledParameters(given))).toEqual([
    'application_name',
    'DateStyle',
    'TimeZone',
    'standard_conforming_strings',
  ]);
  expect(sessionParameters(given)).toMatchObject({
    ...pooledParameters(given),
    ...{ search_path: 'x', statement_timeout: 700 },
  });
});
