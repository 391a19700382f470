/** Each setting is defined once, in services/shared/settings. A program reads only the settings that name it, and the documentation lists all. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parseLocalConfig } from '../../dev/config.ts';
import { parseFanoutConfig } from '../../edge/fanout/config.ts';
import { parseEdgeConfig } from '../../edge/http/config.ts';
import { parseAuthConfig } from '../../services/auth/config.ts';
import { parseGameConfig } from '../../services/game/config.ts';
import { parseRankConfig } from '../../services/rank/config.ts';
import { parseScoreConfig } from '../../services/score/config.ts';
import { createAuditKey } from '../../services/shared/audit-chain/audit-chain.ts';
import { findStackIdentity } from '../../services/shared/identity/stack-identity.ts';
import type { Environment } from '../../services/shared/settings/env.ts';
import { parseMode } from '../../services/shared/settings/mode.ts';
import { SETTINGS, settingsOf } from '../../services/shared/settings/settings.ts';
import { type Program, type Setting, UNITS } from '../../services/shared/settings/table/setting.ts';
import { parseSchema } from '../../services/shared/stores/postgres/database-schema.ts';
import { parseRedisUrl } from '../../services/shared/stores/redis/redis-address.ts';
import { parseTlsFiles } from '../../services/shared/stores/tls-files.ts';
import { parseLogLevel } from '../../services/shared/telemetry/log.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const dir = mkdtempSync(join(tmpdir(), 'scoreboard-settings-'));
const SERVICE_DIGESTS_FILE = join(dir, 'digests.json');
writeFileSync(SERVICE_DIGESTS_FILE, '{}');
afterAll(() => rmSync(dir, { recursive: true }));

/** Values for the settings without a default. */
const needed = (service: string): Environment => ({
  ...{ DATABASE_URL: 'postgres://x/y', REDIS_URL: 'redis://x', NATS_URL: 'nats://x', SERVICE_DIGESTS_FILE },
  ...{ SERVICE_KEY: `${service}.secret`, AUDIT_KEY: createAuditKey() },
});

/** The variables that a function reads from its environment. */
function readBy(parse: (env: Environment) => unknown, service = 'cli'): string[] {
  const names = new Set<string>();
  const recording = new Proxy(needed(service), {
    get(target, name) {
      names.add(String(name));
      return target[String(name)];
    },
  });
  parse(recording);
  return [...names];
}

/** The settings whose names are in the sources. */
function namedIn(pattern: string): string[] {
  const texts = globSync(pattern, { cwd: ROOT }).map(read);
  expect(texts.length).toBeGreaterThan(0);
  const variables = Object.entries(SETTINGS).flatMap(([name, { secret }]) =>
    texts.some((text) => new RegExp(`'${name}(?:_FILE)?'`).test(text))
      ? [name, ...(secret === true ? [`${name}_FILE`] : [])]
      : [],
  );
  return variables;
}

const ofProcess = () => [...readBy(parseLogLevel), ...readBy(parseMode)];
const ofIdentity = () => readBy((env) => findStackIdentity(env, dir, 'cli'));

describe('a program', () => {
  it.each<[Program, () => string[]]>([
    ['auth', () => [...readBy(parseAuthConfig), ...ofProcess()]],
    ['score', () => [...readBy(parseScoreConfig, 'score'), ...ofProcess()]],
    ['rank', () => [...readBy(parseRankConfig), ...ofProcess()]],
    ['edge', () => [...readBy(parseEdgeConfig, 'edge'), ...ofProcess()]],
    ['fanout', () => [...readBy(parseFanoutConfig, 'fanout'), ...ofProcess()]],
    ['game', () => [...readBy(parseGameConfig, 'game'), ...ofProcess()]],
    ['npm start', () => readBy(parseLocalConfig)],
    [
      'redis-scripts',
      () => [...readBy(parseRedisUrl), ...readBy((env) => parseTlsFiles(env, 'REDIS')), ...ofProcess()],
    ],
    [
      'migrate',
      () => [
        ...namedIn('services/{database/main,shared/stores/postgres/database-url}.ts'),
        ...readBy(parseSchema),
      ],
    ],
    ['simulate', () => [...namedIn('services/game/simulate/*.ts'), ...ofIdentity()]],
    [
      'cli',
      () => [
        ...namedIn('services/cli/**/*.ts'),
        ...namedIn('services/provision/certs-main.ts'),
        ...ofIdentity(),
      ],
    ],
  ])('%s reads the settings that are listed for it, and no other', (program, variables) => {
    expect([...new Set(variables())].sort()).toEqual(settingsOf(program).sort());
  });

  it('reads the environment only by the readers that know the settings', () => {
    const sources = ['services/**/*.ts', 'dev/**/*.ts', 'edge/{http,fanout}/**/*.ts'].flatMap((pattern) =>
      globSync(pattern, { cwd: ROOT }),
    );
    const direct = sources.flatMap((file) =>
      [...read(file).matchAll(/\benv(?:\.([A-Z]\w+)|\[')/g)].map(([, name]) => `${file}: ${name}`),
    );
    // The search path, the browser of the tests and a limit inside a library are not settings of the product.
    expect(
      direct.filter((each) => !/: (?:PATH|CHROMIUM_PATH|UWS_HTTP_MAX_HEADERS_SIZE)$/.test(each)),
    ).toEqual([]);
  });
});

describe('docs/configuration.md', () => {
  const defaultIn = ({ default: value, otherwise }: Setting) =>
    value === '-' ? 'none' : (value ?? otherwise);
  const rowOf = ([name, setting]: [string, Setting]) => {
    const variables = setting.secret === true ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``;
    const of = setting.of.join(', ').replace(UNITS.join(', '), 'units');
    return `| ${variables} | ${of} | ${defaultIn(setting)} | ${setting.meaning} |`;
  };

  it('lists every setting as it is defined, in the order of the definitions', () => {
    const section = read('docs/configuration.md').split('\n## Settings\n')[1]?.split('\n## ')[0] ?? '';
    const listed = section.split('\n').filter((line) => line.startsWith('| `'));
    expect(listed).toEqual(Object.entries(SETTINGS).map(rowOf));
  });
});

describe('the definitions', () => {
  it.each(Object.entries(SETTINGS))('of %s have a default or say what happens without one', (_, setting) => {
    expect([setting.default, setting.otherwise].filter((text) => text !== undefined)).toHaveLength(1);
    expect(setting.of.length).toBeGreaterThan(0);
  });
});
