/** `status`: prints a table of the processes of a stack, each with its own report of its state. */
import { connect } from 'node:net';
import type { Command } from 'commander';
import { Deadline } from '../../shared/flow/deadline.ts';
import { getDirectly } from '../../shared/http/get-directly.ts';
import type { StackFile, StackProcess } from '../../shared/identity/stack-file.ts';
import type { CommandSite } from '../connect/command-site.ts';
import { findStack } from '../connect/find-stack.ts';

const ANSWER_LIMIT_MS = 2_000;
const HEADINGS = ['process', 'pid', 'port', 'admin', 'state'];

export function defineStatus(program: Command, { session, print, act }: CommandSite): void {
  program
    .command('status')
    .description('list the processes of the running stack; exit code 1 if one is not ready')
    .action(
      act(async () => {
        const stack = findStack(session.env);
        const processes = await readStates(stack);
        const ready = processes.every(({ state }) => state === 'ready');
        await print(`${formatProcesses(stack.pid, processes)}\n`, {
          ...{ ready, supervisor: { pid: stack.pid } },
          processes,
        });
        return ready ? 0 : 1;
      }),
    );
}

interface ProcessState extends StackProcess {
  readonly name: string;
  /** "ready", or what is wrong. */
  readonly state: string;
}

function readStates({ processes }: StackFile): Promise<ProcessState[]> {
  return Promise.all(
    Object.entries(processes).map(async ([name, process]) => ({
      ...{ name, ...process },
      state: await stateOf(process),
    })),
  );
}

function formatProcesses(supervisor: number, processes: readonly ProcessState[]): string {
  const rows = [
    HEADINGS,
    ['supervisor', String(supervisor), '-', '-', 'running'],
    ...processes.map(({ name, pid, port, adminPort, state }) => [
      ...[name, String(pid), String(port), String(adminPort ?? '-'), state],
    ]),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}

async function stateOf({ port, adminPort }: StackProcess): Promise<string> {
  if (adminPort === undefined) return (await accepts(port)) ? 'ready' : 'no answer';
  try {
    const { body } = await getDirectly(
      `http://127.0.0.1:${adminPort}/readyz`,
      Deadline.after(ANSWER_LIMIT_MS).signal(),
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
  /** The reason for each dependency that is missing. */
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
