/** The lint rule against comparisons of secrets finds such comparisons in our processes and nothing else. */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'scoreboard-lint-'));
afterAll(() => rmSync(dir, { recursive: true }));
for (const file of ['biome.json', '.gitignore', '.ci/constant-time.grit'])
  cpSync(join(ROOT, file), join(dir, file));

/** The lines of each file, as "file:line", that the rule objects to. */
function lint(files: Record<string, readonly string[]>): string[] {
  for (const [file, lines] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), lines.join('\n'));
  }
  const biome = join(ROOT, 'node_modules/.bin/biome');
  const words = ['lint', '--reporter=json', '--max-diagnostics=none', ...Object.keys(files)];
  const { stdout } = spawnSync(biome, words, { cwd: dir, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string; start: { line: number } } }[];
  };
  return diagnostics
    .filter(({ category }) => category === 'plugin')
    .map(({ location }) => `${location.path}:${location.start.line}`)
    .sort();
}

const LEAKS = [
  'mac === given',
  'given !== action.mac',
  'given == parsed.signature',
  'expected.toString("hex") === digest',
  'key.secret != given',
  'this.#token === given',
  'serviceKey === given',
  'given === options.serviceKey.reveal()',
  'token.slice(7) === given',
  'createHmac("sha256", key).update(text).digest("hex") === given',
  'mac.equals(given)',
  'given.equals(expectedMac)',
  'Buffer.compare(given, digest) > 0',
  'signature.startsWith(given)',
  'given.endsWith(password)',
  'knownTokens.includes(token)',
  'given.localeCompare(accessToken)',
  'Object.is(privateKey, given)',
];
const HARMLESS = [
  'mac === undefined',
  'token !== null',
  "token === ''",
  "typeof token === 'string'",
  'mac.length === 43',
  'tokens.size === 0',
  'userId === given',
  'timingSafeEqual(mac, given)',
];

it('reports every way to compare that ends at the first difference, in every process', () => {
  const inProcesses = ['services/auth/planted.ts', 'edge/http/planted.ts', 'edge/fanout/planted.ts'];
  for (const file of inProcesses) {
    expect(lint({ [file]: LEAKS })).toEqual(LEAKS.map((_, index) => `${file}:${index + 1}`).sort());
  }
});

it('ignores comparisons that reveal nothing, and code that runs only in the browser', () => {
  expect(lint({ 'services/auth/planted.ts': HARMLESS, 'edge/web/planted.ts': LEAKS })).toEqual([]);
});

it('has few exceptions, each with its reason', () => {
  const files = ['services/**/*.ts', 'dev/**/*.ts', 'edge/{http,fanout}/**/*.ts'].flatMap((pattern) =>
    globSync(pattern, { cwd: ROOT }),
  );
  const lines = files
    .flatMap((file) => readFileSync(join(ROOT, file), 'utf8').split('\n'))
    .filter((line) => line.includes('biome-ignore lint/plugin'));
  expect(lines.filter((line) => !/biome-ignore lint\/plugin: \w.{10,}/.test(line))).toEqual([]);
  expect(lines).toHaveLength(1);
});
