import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submit as submitTo } from '../../support/clients/edge-client.ts';
import { rankedAnswer } from '../../support/clients/sent-again.ts';
import { runCli, type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { waitFor } from '../../support/wait-for.ts';

let stack: StackProcesses;

beforeAll(async () => {
  stack = await startStackProcesses();
});

afterAll(async () => {
  await stack?.stop();
});

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

/** The lines of a process's log, each parsed. */
async function logOf(name: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(stack.dataDir, 'logs', `${name}.log`), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const submit = (token: string, fields: Record<string, unknown>) =>
  rankedAnswer(() => submitTo(stack.edgeUrl, token, fields));

/** An answer that came too late, or a connection that was given up for that: no matter of a start. */
const isOfSlowMachine = (line: object) => /DEADLINE_EXCEEDED|OUTCOME_UNKNOWN/.test(JSON.stringify(line));

describe('the logs of a first start', () => {
  it('are JSON from the first line, without a warning, and tell versions and addresses', async () => {
    const names = ['migrate', 'auth', 'score', 'rank', 'edge', 'fanout', 'game'];
    for (const name of names) {
      const lines = await logOf(name);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.filter((line) => line.level !== 'info' && !isOfSlowMachine(line))).toEqual([]);
      if (name === 'migrate') continue;
      const { port, adminPort } = stack.stack().processes[name] ?? {};
      expect(lines.find(({ msg }) => msg === 'started')).toMatchObject({
        ...{ version: expect.stringMatching(/^\d+\./), node: process.version },
        ...{ address: `127.0.0.1:${port}`, admin: `127.0.0.1:${adminPort}` },
      });
    }
  });
});

describe('one value', () => {
  it('is a token that the edge accepts, and a signature of exactly this action', async () => {
    const token = await stack.cli(['token', 'alice', '--name', 'Alice Ä']);
    const signature = await stack.cli(['sign', 'alice', 'a1', '100']);
    for (const { code, stdout, stderr } of [token, signature]) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^\S+\n$/);
    }
    expect(claimsOf(token.stdout)).toMatchObject({ sub: 'alice', name: 'Alice Ä' });
    const answer = await submit(token.stdout.trim(), {
      actionId: 'a1',
      points: 100,
      signature: signature.stdout.trim(),
    });
    expect(answer.body).toEqual({ newScore: 100, rank: 1 });
    const changed = await submit(token.stdout.trim(), {
      actionId: 'a2',
      points: 100,
      signature: signature.stdout.trim(),
    });
    expect(changed.status).toBe(403);
  });

  it('shows a page of a board', async () => {
    const { code, stdout } = await stack.cli(['top', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      entries: [{ rank: 1, userId: 'alice' }],
      players: 1,
      next: null,
    });
  });

  it('confirms that every board matches the database, and that the outbox is empty', async () => {
    const verified = await stack.cli(['verify']);
    expect(verified).toEqual({ code: 0, stdout: '1 players on 1 boards compared: 0 differ\n', stderr: '' });
    const waiting = await waitFor(async () => {
      const listed = await stack.cli(['outbox', 'list']);
      return listed.stdout.endsWith('0 pending, 0 dead\n') ? listed : undefined;
    });
    expect(waiting).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^id\tstate\t[^\n]*\n0 /),
    });
    expect(await stack.cli(['outbox', 'replay', '--all'])).toMatchObject({
      code: 0,
      stdout: '0 will be retried\n',
    });
    expect(await stack.cli(['outbox', 'replay', '4711'])).toMatchObject({ code: 1 });
  });

  it('is refused with the usage and code 2 if the arguments are wrong', async () => {
    const { code, stdout, stderr } = await stack.cli(['sign', 'alice', 'a1']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: missing required argument 'points'\n\nUsage: /);
  });

  it('is refused with one line and code 1 if no stack runs', async () => {
    const { code, stdout, stderr } = await runCli(['token', 'alice'], { DATA_DIR: '/nowhere/at/all' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'no scoreboard runs in /nowhere/at/all: start it with "npm start", or set DATA_DIR\n',
    );
  });

  it('comes from another stack if its address and key are given', async () => {
    const env = {
      DATA_DIR: '/nowhere',
      AUTH_ADDRESS: stack.stack().addresses?.authAddress ?? '',
      SERVICE_KEY_FILE: `${stack.dataDir}/secrets/cli.key`,
    };
    expect((await runCli(['token', 'alice'], env)).code).toBe(0);
    const stranger = await runCli(['token', 'alice'], {
      AUTH_ADDRESS: env.AUTH_ADDRESS,
      SERVICE_KEY: 'cli.guess',
    });
    expect(stranger).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('does not know the key of the command line: set DATA_DIR'),
    });
  });
});

describe('many values', () => {
  it('are printed one for each line, in order, thousands at a time', async () => {
    const lines = numbers(3_000);
    const actions = lines.map((n) => `user-${n} a-${n} ${n}\n`).join('');
    const signed = await stack.cli(['sign', '-'], actions);
    expect(signed.code).toBe(0);
    const signatures = signed.stdout.trimEnd().split('\n');
    expect(new Set(signatures).size).toBe(3_000);

    const users = lines.map((n) => `user-${n}\n`).join('');
    const tokens = (await stack.cli(['token', '-'], users)).stdout.trimEnd().split('\n');
    expect(tokens.map((token) => claimsOf(token).sub)).toEqual(lines.map((n) => `user-${n}`));
    expect(claimsOf(tokens[0] ?? '')).toMatchObject({ name: 'user-1' });

    const at = 1_233;
    const answer = await submit(tokens[at] ?? '', {
      actionId: `a-${at + 1}`,
      points: at + 1,
      signature: signatures[at],
    });
    expect(answer.status).toBe(200);
  });

  it('end at a wrong line with its number and code 2, after the values of all earlier lines', async () => {
    const { code, stdout, stderr } = await stack.cli(
      ['sign', '-'],
      'alice b1 1\nalice b2 2\nalice b3\nalice b4 4\n',
    );
    expect(code).toBe(2);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stderr).toBe('line 3: expected "USER ACTION POINTS [BOARD]"\n');
  });

  it('end without a message and with code 1 if the reader closes the pipe', async () => {
    const command = `yes 'alice a 1' | "$0" services/cli/main.ts sign - | head -n 1`;
    const child = spawn(
      'bash',
      ['-c', `set -o pipefail; ${command}; echo "\${PIPESTATUS[1]}"`, process.execPath],
      {
        env: { ...stack.env },
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    await new Promise((resolve) => child.once('close', resolve));
    expect(output).toMatch(/^v1\.\S+\n1\n$/);
  });
});

describe('a value that cannot be written', () => {
  const run = promisify(execFile);
  const shell = async (redirection: string) => {
    const line = `"$0" services/cli/main.ts token alice ${redirection}; echo $? >&2`;
    return (await run('bash', ['-c', line, process.execPath], { env: { ...stack.env } })).stderr;
  };

  it('is a failure: on a full disk, or with a closed standard output', async () => {
    expect(await shell('>/dev/full')).toMatch(/^standard output: .*ENOSPC.*\n1\n$/);
    expect(await shell('>&-')).toBe('standard output is closed: the value would be lost\n1\n');
  });

  it('is no failure if the output goes to /dev/null', async () => {
    expect(await shell('>/dev/null')).toBe('0\n');
  });
});

describe('changes by an operator', () => {
  it('are said, and stand in the log of the service with who, from where, before and after', async () => {
    expect(await stack.cli(['limits', 'set', 'arean', '--max-points', '5'])).toEqual({
      ...{ code: 0, stdout: 'limits set for arean\n' },
      stderr: 'note: no score on the board arean has counted yet\n',
    });
    expect(await stack.cli(['quarantine', 'bbo'])).toEqual({
      ...{ code: 0, stdout: 'bbo is in quarantine now\n' },
      stderr: 'note: no player bbo has signed in or scored yet\n',
    });
    expect(await stack.cli(['release', 'bbo', '--json'])).toEqual({
      ...{ code: 0, stdout: '{"userId":"bbo","changed":true}\n', stderr: '' },
    });
    const operators = (await logOf('score')).filter(({ operator }) => operator === 'cli');
    const own = operators.filter(({ msg }) => msg !== 'outbox replayed');
    expect(own).toMatchObject([
      { msg: 'limits set', leaderboard: 'arean', before: null, after: { maxPoints: '5' } },
      { msg: 'player quarantined', player: 'bbo', before: false, after: true },
      { msg: 'player released', player: 'bbo', before: true, after: false },
    ]);
    for (const { from } of own) expect(from).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});

describe('the other commands', () => {
  it('show every process with its state', async () => {
    const { code, stdout } = await stack.cli(['status']);
    expect(code).toBe(0);
    const names = ['auth', 'score', 'rank', 'edge', 'fanout', 'game', 'postgres', 'redis', 'nats'];
    for (const name of names) expect(stdout).toMatch(new RegExp(`^${name} .* ready$`, 'm'));
  });

  it('show usage, version and help without a stack', async () => {
    const away = { DATA_DIR: '/nowhere/at/all' };
    expect(await runCli(['--version'], away)).toMatchObject({ code: 0, stderr: '' });
    expect(await runCli(['token', '--help'], away)).toMatchObject({
      ...{ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: .* token /) },
    });
  });

  it('list and rotate the signing keys of this stack', async () => {
    const before = await stack.cli(['keys', 'list']);
    expect(before.stdout).toMatch(/^token\t\S+\tsigning\t/m);
    const rotated = await stack.cli(['keys', 'rotate', 'token']);
    expect(rotated.code).toBe(0);
    const after = await stack.cli(['keys', 'list']);
    expect(after.stdout.split('\n').length).toBe(before.stdout.split('\n').length + 1);
  });
});

describe('the audit log', () => {
  /** What one command prints, which must end well. */
  const print = async (...args: string[]) => {
    const { code, stdout, stderr } = await stack.cli(['audit', ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };
  /** Refused attempts that the score service has written down. */
  const keptAttempts = async () => {
    const answer = await fetch(`http://127.0.0.1:${stack.stack().processes.score?.adminPort}/metrics`);
    const kept = /^audit_rejected_attempts_total\{reason="SIGNATURE_INVALID",outcome="kept".*\} (\d+)$/m;
    return Number(kept.exec(await answer.text())?.[1] ?? 0);
  };
  const OK = /^OK: \d+ links seal [1-9]\d* actions, \d players erased; the head is (\d+:[0-9a-f]{64})\n$/;

  it('verifies from a noted head, and from an export without a stack', async () => {
    const head = (
      await waitFor(async () => {
        const { code, stdout } = await stack.cli(['audit', 'head']);
        return code === 0 ? stdout : undefined;
      })
    ).trim();
    expect(await print('verify', '--head', head)).toMatch(OK);
    const path = join(stack.dataDir, 'log.jsonl');
    await writeFile(path, await print('export'));
    const away = { DATA_DIR: '/nowhere', AUDIT_KEY_FILE: join(stack.dataDir, 'secrets', 'audit.key') };
    const verified = await runCli(['audit', 'verify', '--file', path, '--head', head], away);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(OK) });

    await writeFile(path, (await readFile(path, 'utf8')).replace('"points":"100"', '"points":"101"'));
    const changed = await runCli(['audit', 'verify', '--file', path], away);
    expect(changed).toMatchObject({
      code: 1,
      stderr: '',
      stdout: expect.stringMatching(/^DIFFERS: link 1 /),
    });
    const missing = await runCli(['audit', 'verify', '--file', '/nowhere/log'], away);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ENOENT/) });
    const keyless = await runCli(['audit', 'verify', '--file', path], { DATA_DIR: '/nowhere' });
    expect(keyless).toMatchObject({ code: 1, stderr: expect.stringMatching(/^no audit key/) });
  });

  it('corrects a score once, which the chain proves', async () => {
    const words = [
      'scores',
      'adjust',
      'global',
      'alice',
      '2',
      '--reason',
      'a bug',
      '--operation',
      'cli-1',
      '--json',
    ];
    const [first, again] = [await stack.cli(words), await stack.cli(words)].map(({ stdout }) =>
      JSON.parse(stdout),
    );
    expect(first).toMatchObject({
      board: 'global',
      userId: 'alice',
      after: first.before + 2,
      replayed: false,
    });
    expect(again).toEqual({ ...first, replayed: true });
    expect(await print('verify')).toMatch(OK);
    await waitFor(async () => (await print('export')).includes('"operationId":"cli-1"') || undefined);
  });

  it('lists refused attempts, and erases a player whose tokens are then refused', async () => {
    const token = (await stack.cli(['token', 'alice'])).stdout.trim();
    const body = { actionId: 'a9', points: 1, signature: 'forged' };
    expect((await submit(token, body)).status).toBe(403);
    await waitFor(async () =>
      (await print('rejected', '--user', 'alice')).includes('SIGNATURE_INVALID') ? true : undefined,
    );
    const head = (await print('head')).trim();
    const keptBefore = await keptAttempts();
    // One more, of which nothing is written yet when the erasure begins.
    expect((await submit(token, { ...body, actionId: 'a10' })).status).toBe(403);
    const old = {
      actionId: 'a11',
      points: 3,
      signature: (await stack.cli(['sign', 'alice', 'a11', '3'])).stdout.trim(),
    };
    expect(await print('erase', 'alice', '--yes')).toMatch(
      /^revoked alice\nerased from 1 boards, recorded as \d+:/,
    );
    expect((await submit(token, body)).status).toBe(401);
    expect(await print('verify', '--head', head)).toMatch(OK);
    expect(await print('export')).not.toContain('alice');
    await waitFor(async () => (await keptAttempts()) > keptBefore || undefined);
    expect(await print('rejected')).not.toContain('alice');
    const top = await fetch(`${stack.edgeUrl}/api/v1/scoreboard/top`);
    expect(await top.text()).not.toContain('alice');
    const again = await stack.cli(['audit', 'erase', 'alice']);
    expect(again).toMatchObject({ code: 1, stderr: 'No data of this player is stored.\n' });
    // Who returns can't use what was signed before.
    const returned = (await stack.cli(['token', 'alice'])).stdout.trim();
    expect((await submit(returned, old)).body).toMatchObject({ reason: 'SIGNATURE_EXPIRED' });
  });
});
