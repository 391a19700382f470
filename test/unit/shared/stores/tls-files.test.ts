import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  describeTlsTrouble,
  parseTlsFiles,
  tlsOptionsOf,
} from '../../../../services/shared/stores/tls-files.ts';

const dir = mkdtempSync(join(tmpdir(), 'scoreboard-tls-'));
const pem = join(dir, 'a.pem');
const other = join(dir, 'other');
writeFileSync(pem, '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n');
writeFileSync(other, 'not a certificate');
afterAll(() => rmSync(dir, { recursive: true }));

describe('the files for TLS to a server', () => {
  it('are none if none is set', () => {
    expect(parseTlsFiles({}, 'REDIS')).toBeUndefined();
  });

  it('are read, and the key is not printed', () => {
    const env = { REDIS_CA_FILE: pem, REDIS_CERT_FILE: pem, REDIS_KEY_FILE: pem };
    const files = parseTlsFiles(env, 'REDIS');
    expect(JSON.stringify(files?.key)).toBe('"[masked]"');
    expect(Object.keys(tlsOptionsOf(files ?? {}))).toEqual(['ca', 'cert', 'key']);
    expect(parseTlsFiles(env, 'NATS')).toBeUndefined();
  });

  it.each([
    [{ NATS_CA_FILE: join(dir, 'missing') }, /^NATS_CA_FILE can't be read: ENOENT/],
    [{ NATS_CA_FILE: other }, /^NATS_CA_FILE names a file that is not PEM/],
    [{ NATS_CERT_FILE: pem }, /^NATS_CERT_FILE and NATS_KEY_FILE must be set together/],
    [{ NATS_KEY_FILE: pem }, /^NATS_CERT_FILE and NATS_KEY_FILE must be set together/],
  ])('%j are refused', (env, message) => {
    expect(() => parseTlsFiles(env, 'NATS')).toThrow(message);
  });
});

describe('a failure of TLS', () => {
  const fault = (code: string, message = code) => Object.assign(new Error(message), { code });
  it.each([
    [fault('SELF_SIGNED_CERT_IN_CHAIN'), /not trusted .*set REDIS_CA_FILE/],
    [fault('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /set REDIS_CA_FILE/],
    [fault('CERT_HAS_EXPIRED'), /not valid now/],
    [fault('ERR_TLS_CERT_ALTNAME_INVALID', "Host: a. is not in the cert's altnames"), /other host names/],
    [
      fault('ERR_SSL_WRONG_VERSION_NUMBER', 'error:0A00010B:SSL routines::wrong version number:x\n'),
      /not speak TLS/,
    ],
    [
      fault(
        'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
        'C0:error:0A00045C:SSL routines:f:tlsv13 alert certificate required:../a.c:9:SSL\n',
      ),
      /REDIS_CERT_FILE .*\(tlsv13 alert certificate required\)$/,
    ],
    [fault('ERR_SSL_OTHER', 'something'), /^TLS fails \(ERR_SSL_OTHER\): something$/],
    [new Error('wrapped', { cause: fault('CERT_HAS_EXPIRED') }), /not valid now/],
  ])('%s is told with what to do', (error, line) => {
    expect(describeTlsTrouble(error, 'REDIS')).toMatch(line);
    expect(describeTlsTrouble(error, 'REDIS')).not.toContain('\n');
  });

  it.each([fault('ECONNREFUSED'), fault('ETIMEDOUT'), new Error('x'), undefined])('is not %s', (error) => {
    expect(describeTlsTrouble(error, 'REDIS')).toBeUndefined();
  });
});
