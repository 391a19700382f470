/** `status`: the processes of a stack as a table, each with what it says about itself. */
import { connect } from 'node:net';
import type { Command } from 'commander';
import { getDirectly } from '../shared/http/get-directly.ts';
import type { StackFile, StackProcess } from '../shared/identity/stack-file.ts';
import type { CommandSite } from './command-site.ts';
import { findStack } from './find-stack.ts';

const ANSWER_LIMIT_MS = 2_000;
const HEADINGS = ['process', 'pid', 'port', 'admin', 'state'];

export function defineStatus(program: Command, { session, act }: CommandSite): void {
  program
    .command('status')
    .description('the processes of the running stack; exit code 1 when one is not ready')
    .action(
      act(async () => {
        const { table, ready } = await describeStack(findStack(session.env));
        await session.write(`${table}\n`);
        return ready ? 0 : 1;
      }),
    );
}

async function describeStack({ pid, processes }: StackFile): Promise<{ table: string; ready: boolean }> {
  const states = await Promise.all(
    Object.entries(processes).map(async ([name, process]) => ({
      row: [name, String(process.pid), String(process.port), String(process.adminPort ?? '-')],
      state: await stateOf(process),
    })),
  );
  const rows = [
    HEADINGS,
    ['supervisor', String(pid), '-', '-', 'running'],
    ...states.map(({ row, state }) => [...row, state]),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return { table: lines.join('\n'), ready: states.every(({ state }) => state === 'ready') };
}

async function stateOf({ port, adminPort }: StackProcess): Promise<string> {
  if (adminPort === undefined) return (await accepts(port)) ? 'ready' : 'no answer';
  try {
    const { body } = await getDirectly(
      `http://127.0.0.1:${adminPort}/readyz`,
      AbortSignal.timeout(ANSWER_LIMIT_MS),
    );
    const { checks, dependencies = {}, without = {} } = JSON.parse(body) as Readiness;
    const failing = namesOfFailing(checks);
    if (failing.length > 0) return `not ready: ${failing.join(', ')}`;
    const missing = namesOfFailing(dependencies).map((name) => {
      const trouble = without[name];
      return trouble === undefined ? name : `${name} (${trouble})`;
    });
    return missing.length === 0 ? 'ready' : `without: ${missing.join(', ')}`;
  } catch {
    return 'no answer';
  }
}

interface Readiness {
  readonly checks: Readonly<Record<string, boolean>>;
  readonly dependencies?: Readonly<Record<string, boolean>>;
  /** Why those that are missing are. */
  readonly without?: Readonly<Record<string, string>>;
}

const namesOfFailing = (checks: Readonly<Record<string, boolean>>): string[] =>
  Object.keys(checks).filter((name) => checks[name] !== true);

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: ANSWER_LIMIT_MS });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}
