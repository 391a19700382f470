/** What each command line asks of the services, prints, and ends with. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseActionLine } from '../../../services/cli/auth/sign.ts';
import { parseTokenLine } from '../../../services/cli/auth/token.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { runWords } from './fake-session.ts';

const token = { issueToken: () => ({ accessToken: 'a.b.c' }) };
const sign = {
  signActions: ({ actions }: { actions: unknown[] }) => ({
    signatures: actions.map((_, at) => ({ signature: `v1.${at}` })),
  }),
};
const split = (line: string) => line.split(' ').filter(Boolean);

describe('a value', () => {
  it('is the only output', async () => {
    expect(await runWords(['token', 'alice'], token)).toEqual({
      ...{ code: 0, output: 'a.b.c\n', errors: '' },
      asked: [['issueToken', { userId: 'alice', username: '' }]],
    });
    const named = await runWords(['token', 'alice', '--name', 'Alice B'], token);
    expect(named.asked).toEqual([['issueToken', { userId: 'alice', username: 'Alice B' }]]);
  });

  it('is a signature of an action of the default board, or of another', async () => {
    const action = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 100n };
    const signed = await runWords(['sign', 'alice', 'a1', '100'], sign);
    expect(signed).toMatchObject({
      code: 0,
      output: 'v1.0\n',
      asked: [['signActions', { actions: [action] }]],
    });
    const weekly = await runWords(split('sign alice a1 100 --leaderboard weekly'), sign);
    expect(weekly.asked).toEqual([['signActions', { actions: [{ ...action, leaderboard: 'weekly' }] }]]);
  });

  it('is one for each line of standard input with a hyphen', async () => {
    const tokens = await runWords(['token', '-'], token, { input: 'alice\nbob\n' });
    expect(tokens).toMatchObject({ code: 0, output: 'a.b.c\na.b.c\n' });
    const signed = await runWords(['sign', '-'], sign, { input: 'alice a1 1\nbob b1 2\n' });
    expect(signed).toMatchObject({ code: 0, output: 'v1.0\nv1.1\n' });
  });

  it('is of the board of its line, and else of the option', async () => {
    const input = 'alice a1 1 arena\nbob b1 2\n';
    const { asked } = await runWords(split('sign - --leaderboard weekly'), sign, { input });
    expect(asked[0]?.[1]).toMatchObject({
      actions: [{ leaderboard: 'arena' }, { leaderboard: 'weekly', userId: 'bob' }],
    });
    const wrong = await runWords(['sign', '-'], sign, { input: 'alice a1 1 no/slash\n' });
    expect(wrong).toMatchObject({ code: 2, errors: expect.stringMatching(/^line 1: The leaderboard id/) });
  });

  it('is not requested if standard output is closed', async () => {
    for (const words of [
      ['token', 'alice'],
      ['token', '-'],
      ['sign', 'alice', 'a1', '1'],
      ['audit', 'export'],
    ]) {
      expect(await runWords(words, {}, { isOpen: false, input: 'alice\n' })).toEqual({
        ...{ code: 1, output: '', asked: [] },
        errors: 'standard output is closed: the value would be lost\n',
      });
    }
  });

  it('that the service refuses ends with code 1 and its message', async () => {
    const issueToken = () => {
      throw new AppError('AUTH_UNAVAILABLE');
    };
    expect(await runWords(['token', 'alice'], { issueToken })).toMatchObject({
      ...{
        code: 1,
        output: '',
        errors: 'the auth service cannot be reached: "status" shows which processes are ready\n',
      },
    });
  });
});

describe('help', () => {
  it.each(['--help', '-h', 'token --help', 'limits -h', 'audit verify -h', 'help', 'help sign'])(
    '"%s" goes to standard output',
    async (line) => {
      const { code, output, errors } = await runWords(split(line));
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(output).toMatch(/^Usage: npm run --silent cli -- /);
    },
  );

  it('of the program tells the exit codes', async () => {
    expect((await runWords(['--help'])).output).toContain('Exit codes: 0 ');
  });

  it('prints the version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await runWords(['--version'])).toMatchObject({ code: 0, output: `${version}\n` });
  });

  it('is in docs/operations.md for each command, and no other is', async () => {
    const page = readFileSync('docs/operations.md', 'utf8');
    const table = page.split('\n## Command line\n')[1]?.split('\n## ')[0] ?? '';
    const commandsIn = async (words: string[]): Promise<string[]> => {
      const { output } = await runWords([...words, '--help']);
      const listed = output.split('\nCommands:\n')[1]?.match(/^ {2}[a-z]+/gm) ?? [];
      const names = listed.map((name) => name.trim()).filter((name) => name !== 'help');
      if (names.length === 0) return [words.join(' ')];
      return (await Promise.all(names.map((name) => commandsIn([...words, name])))).flat();
    };
    const documented = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([a-z]+(?: [a-z]+\b)?)/g)].map(([, name]) => name ?? ''),
    );
    const defined = await commandsIn([]);
    expect([...new Set(documented)].sort()).toEqual(defined.sort());
  });
});

describe('wrong arguments end with code 2 and a message that says what is wrong', () => {
  it.each([
    ['', /^Usage: /],
    ['sing', /unknown command 'sing'\n.*sign/],
    ['constructor', /unknown command 'constructor'/],
    ['token', /missing required argument 'user'/],
    ['token alice bob', /too many arguments/],
    ['token alice --nmae x', /unknown option '--nmae'/],
    ['token alice --name', /argument missing/],
    ['token - --name x', /--name is for one player/],
    [['token', 'two words'], /for argument 'user'. The user id is not/],
    [['token', 'alice', '--name', ' padded '], /The username is not/],
    ['sign alice a1', /missing required argument 'points'/],
    ['sign alice', /missing required argument 'action'/],
    ['sign alice a1 1.5', /Points are not/],
    ['sign alice a1 -5', /Points are not/],
    ['sign alice a1 9007199254740992', /Points are not/],
    [['sign', 'alice', 'a 1', '1'], /The action id/],
    ['sign alice a1 1 --leaderboard no/slash', /The leaderboard id/],
    ['status now', /too many arguments/],
    ['keys', /^Usage: /],
    ['keys rotate tokens', /Allowed choices are token, action/],
    ['keys withdraw token', /missing required argument 'kid'/],
    ['outbox', /^Usage: /],
    ['outbox clear', /unknown command/],
    ['outbox list 7', /too many arguments/],
    ['outbox list --limit 1001', /from 1 to 1000/],
    ['outbox replay', /or --all/],
    ['outbox replay 7 --all', /or --all/],
    ['outbox replay seven', /'seven' is invalid .* must be an id from "outbox list"/],
    ['verify global', /too many arguments/],
    ['revoke', /^Usage: /],
    ['revoke token', /missing required argument 'jti'/],
    ['revoke key a', /unknown command/],
    [['revoke', 'token', 'a b'], /for argument 'jti'. A token id has/],
    [['revoke', 'player', 'two words'], /for argument 'user'. The user id is not/],
    ['revoke player alice bob', /too many arguments/],
    ['audit', /^Usage: /],
    ['audit seal', /unknown command/],
    ['audit head now', /too many arguments/],
    ['audit verify --head 7', /format that "audit head" prints/],
    [`audit verify --head 0:${'0a'.repeat(32)}`, /format that "audit head" prints/],
    ['audit rejected eve', /too many arguments/],
    [['audit', 'rejected', '--user', 'two words'], /The user id is not/],
    ['audit rejected --limit 1001', /from 1 to 1000/],
    ['audit erase', /missing required argument 'user'/],
    [['audit', 'erase', 'two words'], /The user id is not/],
    ['limits', /^Usage: /],
    ['limits show a b', /too many arguments/],
    ['limits set arena', /give at least one limit/],
    ['limits set --max-points 1', /missing required argument 'board'/],
    ['limits set arena --max-points -1', /whole number from 0/],
    ['limits set arena --max-points 1.5', /whole number from 0/],
    ['limits set arena --max-points 9007199254740992', /whole number from 0/],
    ['limits set arena --window 0', /whole number from 1 to 2678400/],
    ['limits set arena --window 10', /must be given together with --max-window-points/],
    ['limits set arena --max-window-actions 10', /must be given together with/],
    ['limits set arena --max-points 1 --kind a_b', /A kind must not contain "_"/],
    ['limits set arena --max-score 1', /unknown option/],
    ['limits set no/slash --max-points 1', /The leaderboard id/],
    ['limits clear', /missing required argument 'board'/],
    ['limits clear arena --max-points 1', /unknown option/],
    ['flags', /^Usage: /],
    ['flags list bob', /too many arguments/],
    ['flags list --limit 0', /from 1 to 1000/],
    ['flags clear', /or --all/],
    ['flags clear bob --all', /--all takes no user/],
    ['quarantine', /or --list/],
    ['quarantine bob --list', /--list takes no user/],
    ['quarantine --all', /unknown option/],
    ['release', /missing required argument 'user'/],
    ['release alice bob', /too many arguments/],
    ['certs now', /too many arguments/],
  ])('%j', async (line, words) => {
    const ran = await runWords(typeof line === 'string' ? split(line) : line);
    expect(ran).toMatchObject({ code: 2, output: '', asked: [], errors: expect.stringMatching(words) });
    expect(ran.errors).toContain('Usage: ');
  });
});

describe('a line of standard input', () => {
  it('may separate its words by any white space', () => {
    expect(parseTokenLine(' alice\r')).toBe('alice');
    expect(parseActionLine('alice\ta1  7\r', 'global')).toEqual({
      ...{ leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 7n },
    });
  });

  it.each(['', 'alice', 'alice a1', 'alice a1 x', 'alice a1 1 board more'])(
    'that is %j is refused with its number and code 2',
    async (line) => {
      const { code, errors, output } = await runWords(['sign', '-'], sign, { input: `bob b1 1\n${line}\n` });
      expect({ code, output }).toEqual({ code: 2, output: 'v1.0\n' });
      expect(errors).toMatch(/^line 2: /);
    },
  );
});
