/** The rules of the house that no compiler checks: which way imports run, one door for each vendor, what addon is loaded. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = ['services/**/*.ts', 'edge/**/*.ts', 'dev/**/*.ts'].flatMap((pattern) =>
  globSync(pattern, { cwd: ROOT }),
);

/** The unit that a file belongs to. */
const unitOf = (file: string) => (file.startsWith('dev/') ? 'dev' : file.split('/').slice(0, 2).join('/'));

interface Import {
  readonly file: string;
  readonly from: string;
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)[^;]*?from '([^']+)'|import\('([^']+)'\)|(?:^|\n)import '([^']+)'/g;
const imports: Import[] = SOURCES.flatMap((file) => {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map((match) => {
    const from = match[1] ?? match[2] ?? match[3] ?? '';
    return { file, from: from.startsWith('.') ? normalize(join(dirname(file), from)) : from };
  });
});
const isOurs = ({ from }: Import) => /^(services|edge|dev|gen)\//.test(from);

describe('imports', () => {
  it('are found at all', () => {
    expect(imports.length).toBeGreaterThan(500);
    expect(imports.filter(isOurs).length).toBeGreaterThan(300);
  });

  it('never go from one unit to another: units meet in shared code, generated code and on the network', () => {
    const strays = imports.filter(
      (each) =>
        isOurs(each) &&
        !each.from.startsWith('gen/') &&
        unitOf(each.from) !== 'services/shared' &&
        // What brings up a stack on this machine makes its secrets and users as an operator would.
        !(each.file.startsWith('dev/') && unitOf(each.from) === 'services/provision') &&
        unitOf(each.from) !== unitOf(each.file),
    );
    expect(strays).toEqual([]);
  });

  it('never go from a store back to a use case, a service or an rpc', () => {
    const strays = imports.filter(
      ({ file, from }) => /-store\.ts$/.test(file) && /\/(service|rpc|main|[a-z]+-scores)\.ts$/.test(from),
    );
    expect(strays).toEqual([]);
  });
});

describe('a vendor library', () => {
  it.each([
    ['uWebSockets.js', ['services/shared/http/uws.ts']],
    ['ioredis', ['services/shared/stores/redis.ts']],
    ['nats', ['services/shared/stores/nats.ts']],
    ['postgres', ['services/shared/stores/postgres.ts']],
    ['pino', ['services/shared/telemetry/log.ts']],
    ['prom-client', ['services/shared/telemetry/metrics.ts']],
    ['ipaddr.js', ['services/shared/net/networks.ts']],
    ['@peculiar/x509', ['services/provision/x509.ts']],
  ])('%s has one door', (library, doors) => {
    const users = imports.filter(({ from }) => from === library).map(({ file }) => file);
    expect([...new Set(users)]).toEqual(doors);
  });
});

describe('gRPC', () => {
  const ROOM = 'services/shared/grpc/';
  const isOfGrpc = ({ from }: Import) => /^@grpc\/|^grpc-/.test(from);

  it('has one room, and its libraries are used in there alone', () => {
    const users = imports.filter(isOfGrpc).map(({ file }) => file);
    expect(users.length).toBeGreaterThan(3);
    expect(users.filter((file) => !file.startsWith(ROOM))).toEqual([]);
  });

  it('has one door, and one for programs that only call', () => {
    const comers = imports.filter(({ file, from }) => from.startsWith(ROOM) && !file.startsWith(ROOM));
    expect([...new Set(comers.map(({ from }) => from))].sort()).toEqual([
      `${ROOM}grpc-client.ts`,
      `${ROOM}grpc.ts`,
    ]);
  });
});

describe('the environment', () => {
  it('is read by processes when they start, and by nothing that they call', () => {
    const readers = SOURCES.filter((file) => /process\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')));
    const allowed = /(?:^|[-/])main\.ts$|shared\/(?:process\/run-process|http\/uws)\.ts$/;
    expect(readers.filter((file) => !allowed.test(file))).toEqual([]);
  });
});

describe('the WebSocket addon', () => {
  /** Of uws-pack 20.0.8, for the runtime that package.json brings. A new version brings new digests, read with sha256sum. */
  const SHA256: Readonly<Record<string, string>> = {
    'uws_darwin_arm64_127.node': 'abbeea53d48e21c01808203e9f9835728f2cea720d2e5b154837ee3045b513be',
    'uws_darwin_x64_127.node': 'afd992dc1ca1e33cdc7ce0c72a60baf236e590a257fcecbbbce7bc1a35451387',
    'uws_linux_arm64_127.node': 'd4c4f8b2c28c5f6544b49e36d91b0beee238a5b90a07904a947f77061c8b814d',
    'uws_linux_arm_127.node': '0e1d4024b629a1fe17ec76cde8fe7e320101eb8bdcf7b2c4086933932e3cea23',
    'uws_linux_x64_127.node': '8cabc918bbf9a07323e54f89a33882491080b2eb35df0607f473ccdb1f3c31af',
    'uws_win32_x64_127.node': '585d6ee2dbfc750b1d5a59e6ceaef8a977e90ef3e298a82821d58b41cd72a8c0',
  };
  const folder = join(ROOT, 'node_modules/uWebSockets.js/dist/bin');

  it.each(Object.entries(SHA256))('%s is the file that was looked at', (name, expected) => {
    const bytes = readFileSync(join(folder, name));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected);
  });

  it('is the one that this process loads', () => {
    const loaded = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
    expect(Object.keys(SHA256)).toContain(loaded);
  });
});
