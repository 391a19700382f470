import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../../services/provision/certificates.ts';
import { certificateFiles } from '../../../../services/shared/identity/service-certificate.ts';
import {
  parseCallerCheck,
  parseServiceIdentity,
  type ServiceIdentity,
} from '../../../../services/shared/identity/service-identity.ts';
import { findStackIdentity } from '../../../../services/shared/identity/stack-identity.ts';
import { Secret } from '../../../../services/shared/settings/secret.ts';

let dir: string;
let tls: Record<string, string>;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'scoreboard-identity-'));
  await makeCertificates(join(dir, 'certificates'), 1);
  const { cert, key, ca } = certificateFiles(join(dir, 'certificates'), 'cli');
  tls = { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca };
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const keyOf = ({ serviceKey = '' }: ServiceIdentity) => Secret.of(serviceKey).reveal();

describe('what a process shows', () => {
  it('is its certificate where the three files are given, and its key otherwise', () => {
    expect(parseServiceIdentity(tls, 'cli').tls?.cert.toString()).toContain('BEGIN CERTIFICATE');
    expect(keyOf(parseServiceIdentity({ SERVICE_KEY: 'cli.x' }, 'cli'))).toBe('cli.x');
    expect(() => parseServiceIdentity({}, 'cli')).toThrow('SERVICE_KEY or SERVICE_KEY_FILE must be set');
  });

  it.each(['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'])('is nothing without %s', (name) => {
    for (const parse of [parseServiceIdentity, parseCallerCheck]) {
      expect(() => parse({ ...tls, [name]: undefined, SERVICE_KEY: 'cli.x' }, 'cli')).toThrow(
        'TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE must be set together',
      );
    }
  });

  it.each(['SERVICE_KEY', 'SERVICE_KEY_FILE', 'SERVICE_DIGESTS_FILE'])('is never both: %s', (name) => {
    for (const parse of [parseServiceIdentity, parseCallerCheck]) {
      expect(() => parse({ ...tls, [name]: 'x' }, 'cli')).toThrow(`unset ${name}`);
    }
  });
});

describe('what a command shows', () => {
  const runs = (mode: string) =>
    writeFileSync(join(dir, 'stack.json'), JSON.stringify({ pid: 1, mode, processes: {} }));

  it('is a certificate to a stack that runs in production, and a key to one that does not', () => {
    runs('production');
    expect(findStackIdentity({}, dir, 'cli').tls).toBeDefined();
    runs('development');
    expect(() => findStackIdentity({}, dir, 'cli')).toThrow(/there is no service key at .*cli\.key/);
  });

  it('is what the environment says, whatever runs here', () => {
    runs('production');
    expect(keyOf(findStackIdentity({ SERVICE_KEY: 'cli.x' }, dir, 'cli'))).toBe('cli.x');
    runs('development');
    expect(findStackIdentity(tls, dir, 'cli').tls).toBeDefined();
  });
});
