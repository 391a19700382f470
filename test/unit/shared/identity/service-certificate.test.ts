import { X509Certificate } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  authorityFile,
  ensureCertificates,
  makeCertificates,
} from '../../../../services/provision/certificates.ts';
import { validFor } from '../../../../services/provision/x509.ts';
import {
  certificateFiles,
  readTlsCredentials,
  serviceOfCertificate,
  type TlsCredentials,
} from '../../../../services/shared/identity/service-certificate.ts';
import { SERVICE_NAMES } from '../../../../services/shared/identity/service-keys.ts';
import {
  type CertificateFolder,
  createTestAuthority,
  makeCertificateFolder,
} from '../../../support/access/certificates.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('the service of a certificate', () => {
  it.each(SERVICE_NAMES)('is %s when that is its one URI', (name) => {
    expect(serviceOfCertificate(`URI:spiffe://scoreboard/${name}`)).toBe(name);
    expect(serviceOfCertificate(`DNS:x, URI:spiffe://scoreboard/${name}, IP Address:127.0.0.1`)).toBe(name);
  });

  it.each([
    undefined,
    '',
    'DNS:score',
    'DNS:score, DNS:localhost',
    'URI:spiffe://scoreboard/',
    'URI:spiffe://scoreboard/root',
    'URI:spiffe://scoreboard/Score',
    'URI:spiffe://scoreboard/score/',
    'URI:spiffe://scoreboard/score?x',
    'URI:spiffe://scoreboard/toString',
    'URI:spiffe://scoreboard.example/score',
    'URI:spiffe://other/score',
    'URI:https://scoreboard/score',
    'URI:spiffe://scoreboard/edge, URI:spiffe://scoreboard/score',
    'URI:spiffe://scoreboard/score, URI:spiffe://scoreboard/score',
    'DNS:"x, URI:spiffe://scoreboard/score"',
    'DNS:"x, URI:spiffe://scoreboard/score, DNS:y"',
    'URI:spiffe://scoreboard/score, email:a@b.example',
    'uri:spiffe://scoreboard/score',
  ])('is nobody when its names are %j', (names) => {
    expect(serviceOfCertificate(names)).toBeUndefined();
  });
});

describe('the files that are made', () => {
  let folder: CertificateFolder;
  beforeAll(async () => {
    folder = await makeCertificateFolder();
  });
  afterAll(() => folder.remove());

  it.each(SERVICE_NAMES)('are what %s can start with', (name) => {
    const files = certificateFiles(folder.dir, name);
    const { cert, ca } = readTlsCredentials(files, name, Date.now());
    const certificate = new X509Certificate(cert);
    expect(certificate.checkIssued(new X509Certificate(ca))).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(certificate.subjectAltName).toBe(
      `URI:spiffe://scoreboard/${name}, DNS:${name}, DNS:localhost, IP Address:127.0.0.1`,
    );
    expect(statSync(files.key).mode & 0o777).toBe(0o600);
  });

  it('make servers of those that are called, and clients of those that call', () => {
    const usages = SERVICE_NAMES.map((name) => {
      const { cert } = readTlsCredentials(certificateFiles(folder.dir, name), name, Date.now());
      // SERVER_AUTH and CLIENT_AUTH, by their numbers.
      const words = { '1.3.6.1.5.5.7.3.1': 'server', '1.3.6.1.5.5.7.3.2': 'client' } as const;
      const usage = new X509Certificate(cert).keyUsage as (keyof typeof words)[];
      return [name, usage.map((number) => words[number]).join(' ')];
    });
    expect(Object.fromEntries(usages)).toEqual({
      ...{ auth: 'server', rank: 'server', score: 'server client', edge: 'client' },
      ...{ fanout: 'client', game: 'client', cli: 'client' },
    });
  });

  it('stay while they hold for a month, and are made anew before they end', async () => {
    const serial = () =>
      readTlsCredentials(certificateFiles(folder.dir, 'edge'), 'edge', Date.now()).cert.toString();
    const shortLived = serial();
    await ensureCertificates(folder.dir);
    const renewed = serial();
    expect(renewed).not.toBe(shortLived);
    await ensureCertificates(folder.dir);
    expect(serial()).toBe(renewed);
    expect(statSync(authorityFile(folder.dir)).mode & 0o777).toBe(0o600);
  });

  it('are made anew, with the reason, when a file is missing or of another authority, or the clock was ahead', async () => {
    const { dir } = folder;
    const { key, ca } = certificateFiles(dir, 'score');
    expect(await ensureCertificates(dir)).toBeUndefined();
    rmSync(key);
    expect(await ensureCertificates(dir)).toBe(`${key} was missing`);
    const other = await makeCertificateFolder();
    copyFileSync(certificateFiles(other.dir, 'score').ca, ca);
    await other.remove();
    expect(await ensureCertificates(dir)).toBe(`${ca} does not hold ${authorityFile(dir)}`);
    vi.spyOn(Date, 'now').mockReturnValueOnce(Date.now() + 90 * 24 * 60 * 60 * 1_000);
    await makeCertificates(dir, 365);
    vi.restoreAllMocks();
    expect(await ensureCertificates(dir)).toMatch(/^they are valid only from /);
    expect(await ensureCertificates(dir)).toBeUndefined();
  });

  it('are made without a reason where there are none', async () => {
    const { dir, remove } = await makeCertificateFolder();
    await remove();
    expect(await ensureCertificates(dir)).toBeUndefined();
    rmSync(dir, { recursive: true });
  });
});

describe('files that are not right', () => {
  let dir: string;
  let good: TlsCredentials;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'scoreboard-certificate-'));
    good = await (await createTestAuthority()).issue([{ type: 'url', value: 'spiffe://scoreboard/edge' }]);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  function written({ cert, key, ca }: TlsCredentials, mode = 0o600) {
    const files = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key'), ca: join(dir, 'ca.crt') };
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
    writeFileSync(files.ca, ca);
    chmodSync(files.key, mode);
    return files;
  }
  const read = (credentials: TlsCredentials, nowMs = Date.now()) =>
    readTlsCredentials(written(credentials), 'edge', nowMs);

  it('are refused when they are of another service', () => {
    expect(() => readTlsCredentials(written(good), 'score', Date.now())).toThrow(
      /tls\.crt is the certificate of edge, not of score/,
    );
  });

  it('are refused when they are of no service', async () => {
    const stranger = await (await createTestAuthority()).issue([{ type: 'dns', value: 'edge' }]);
    expect(() => read(stranger)).toThrow(/of no service, not of edge/);
  });

  it('are refused when the key is of another certificate, or readable by all users', async () => {
    const other = await (await createTestAuthority()).issue([
      { type: 'url', value: 'spiffe://scoreboard/edge' },
    ]);
    expect(() => read({ ...good, key: other.key })).toThrow(/tls\.key is not the key of .*tls\.crt/);
    expect(() => readTlsCredentials(written(good, 0o644), 'edge', Date.now())).toThrow(/set its mode to 600/);
  });

  it('are refused when another authority issued them', async () => {
    const { ca } = await createTestAuthority();
    expect(() => read({ ...good, ca })).toThrow(/tls\.crt was not issued by .*ca\.crt/);
  });

  it('may accept two authorities, while one replaces the other', async () => {
    const { ca } = await createTestAuthority();
    for (const both of [
      [ca, good.ca],
      [good.ca, ca],
    ]) {
      expect(read({ ...good, ca: Buffer.concat(both) }).cert).toEqual(good.cert);
    }
  });

  it('are refused before and after their time, with the command that makes new ones', () => {
    expect(() => read(good, Date.now() + 2 * DAY_MS)).toThrow(
      /tls\.crt is valid from .*npm run cli -- certs/,
    );
    expect(() => read(good, validFor(1, Date.now()).notBefore.getTime() - DAY_MS)).toThrow(/is valid from/);
    expect(read(good).cert).toEqual(good.cert);
  });

  it('are refused when they are not PEM, and the error does not contain their text', () => {
    const secret = Buffer.from('-----BEGIN PRIVATE KEY-----\nhidden\n');
    expect(() => read({ ...good, key: secret })).toThrow(/^\S+tls\.key can not be read as PEM$/);
    expect(() => read({ ...good, cert: secret })).toThrow(/^\S+tls\.crt can not be read as PEM$/);
    expect(() => read({ ...good, ca: Buffer.alloc(0) })).toThrow(/^\S+ca\.crt can not be read as PEM$/);
  });
});

describe('a folder of certificates', () => {
  it('counts as empty when it was left half made, so that the next start makes it whole', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'scoreboard-half-'));
    try {
      await makeCertificates(dir, 365);
      rmSync(join(dir, 'game'), { recursive: true });
      writeFileSync(join(dir, 'game'), 'in the way');
      await expect(makeCertificates(dir, 365)).rejects.toThrow(/EEXIST|ENOTDIR/);
      rmSync(join(dir, 'game'));
      await ensureCertificates(dir);
      for (const name of SERVICE_NAMES) readTlsCredentials(certificateFiles(dir, name), name, Date.now());
      const { ca } = readTlsCredentials(certificateFiles(dir, 'cli'), 'cli', Date.now());
      expect(readTlsCredentials(certificateFiles(dir, 'auth'), 'auth', Date.now()).ca).toEqual(ca);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('is replaced when it lacks a new service, so that all accept one authority', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'scoreboard-older-'));
    try {
      await makeCertificates(dir, 365);
      rmSync(join(dir, 'rank'), { recursive: true });
      await ensureCertificates(dir);
      const authorities = SERVICE_NAMES.map((name) =>
        readTlsCredentials(certificateFiles(dir, name), name, Date.now()).ca.toString(),
      );
      expect(new Set(authorities).size).toBe(1);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('has the key of the authority apart from those of the services', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'scoreboard-authority-'));
    try {
      await makeCertificates(dir, 1);
      expect(statSync(join(dir, 'authority', 'ca.key')).mode & 0o777).toBe(0o600);
      expect(statSync(join(dir, 'authority')).mode & 0o777).toBe(0o700);
      expect(() => statSync(join(dir, 'edge', 'ca.key'))).toThrow('ENOENT');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
