/** docs/security.md is complete: every threat has its row, every file that it names exists, the inventory lists every entry. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { ScoreboardService } from '../../gen/scoreboard/edge/v1/scoreboard_pb.ts';
import { IndexService } from '../../gen/scoreboard/rank/v1/index_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AuditService } from '../../gen/scoreboard/score/v1/audit_pb.ts';
import { LimitsService } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import { ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const page = read('docs/security.md');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.slice(2, -2).split(' | '));

const THREATS = 28;

describe('the table of threats', () => {
  const threats = rows.filter(([first = '']) => /^T\d+$/.test(first));

  it('has a row for each, in order, with a defence and a test, or says that it is open', () => {
    expect(threats.map(([name]) => name)).toEqual(
      Array.from({ length: THREATS }, (_, index) => `T${index + 1}`),
    );
    for (const [name, , defence = '', tests = '', open] of threats) {
      expect([name, defence.length > 20, tests.includes('test/'), open !== undefined]).toEqual([
        name,
        true,
        true,
        true,
      ]);
    }
  });

  it('names only files that exist', () => {
    const named = [
      ...page.matchAll(
        /`((?:services|edge|dev|test|docs)\/[^`*\s]+|Dockerfile|docker-compose\.yml|package-lock\.json)`/g,
      ),
    ];
    expect(named.length).toBeGreaterThan(80);
    expect(named.map(([, path = '']) => path).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names tests that are run', () => {
    const tests = threats.flatMap(([, , , cell = '']) => [...cell.matchAll(/`(test\/[^`]+)`/g)]);
    const stray = tests
      .map(([, path = '']) => path)
      .filter((path) => !/^test\/(?:unit|integration|browser|fault)\/.*\.test\.ts$/.test(path));
    expect(stray).toEqual([]);
  });
});

describe('the inventory', () => {
  const listed = rows.map(([first = '']) => first.replaceAll('`', ''));
  const source = (pattern: string) => globSync(pattern, { cwd: ROOT }).map(read).join('\n');

  it('lists every public entry that the sources declare, and no other', () => {
    const ofEdge = [...source('edge/http/**/*.ts').matchAll(/route\('(GET|POST)', '([^']+)'/g)].map(
      ([, method, path]) => `${method} ${path}`,
    );
    const ofConnect = ScoreboardService.methods.map(
      ({ name }) => `POST /${ScoreboardService.typeName}/${name}`,
    );
    const ofGame = [...read('services/game/http/routes.ts').matchAll(/path: \/\^(\S+)\$\/,/g)].map(
      ([, path = '']) => `POST ${path.replaceAll('\\', '').replace(/\(.*\)/, '{id}')}`,
    );
    const ofFanout = [...read('edge/fanout/sockets/socket-server.ts').matchAll(/app\.get\('([^']+)'/g)].map(
      ([, path]) => `GET ${path}`,
    );
    const declared = [...ofEdge, ...ofConnect, ...ofGame, ...ofFanout];
    expect(declared.length).toBeGreaterThan(15);
    expect(listed.filter((entry) => /^(?:GET|POST) /.test(entry)).sort()).toEqual(declared.sort());
  });

  it('lists every internal method with those who may call it, and no other', () => {
    const allowed = (text: string, method: string) => {
      const names = new RegExp(`\\b${method}: (\\[[^\\]]*\\]|[A-Z]+(?=,))`).exec(text)?.[1] ?? '';
      const list = names.startsWith('[')
        ? names
        : (new RegExp(`const ${names}[^=]*= (\\[[^\\]]*\\])`).exec(text)?.[1] ?? '');
      return [...list.matchAll(/'([a-z]+)'/g)].map(([, name]) => name).join(', ');
    };
    const declared = [
      { service: AuthService, text: read('services/auth/rpc.ts') },
      { service: ScoreService, text: read('services/score/rpc.ts') },
      { service: RankService, text: read('services/rank/rpc.ts') },
      { service: IndexService, text: read('services/rank/index-rpc.ts') },
      { service: OperatorService, text: read('services/score/operator-rpc.ts') },
      { service: AuditService, text: read('services/score/audit/audit-rpc.ts') },
      { service: LimitsService, text: read('services/score/limits/limits-rpc.ts') },
    ].flatMap(({ service, text }) =>
      // Who may call a method may also ask for it in a conversation.
      service.methods.map(({ name }) => {
        const called = name.replace(/^Stream/, '');
        const localName = `${called.charAt(0).toLowerCase()}${called.slice(1)}`;
        return `${service.name}/${name}: ${allowed(text, localName)}`;
      }),
    );
    const inTable = rows
      .filter(([first = '']) => /^`(?:Auth|Score|Rank|Index|Operator|Audit|Limits)Service\//.test(first))
      .map(([method = '', who]) => `${method.replaceAll('`', '')}: ${who}`);
    expect(inTable).toEqual(declared);
  });
});
