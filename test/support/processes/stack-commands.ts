/** The product's commands as processes: `npm start`, and the command line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isPortFree } from '../../../dev/host/ports.ts';
import { ADMIN_PORT_OFFSET } from '../../../dev/site/local-config.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  /** Starts it through npm. */
  npm?: boolean;
  /** The folder of the sources, if these are a copy. */
  sources?: string;
  /** Starts it as `npm run dev` does. */
  watch?: boolean;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const READY = 'scoreboard ready';

/**
 * Test files run beside each other in workers: each takes ports from a range of its own. They lie below those of `freePort`,
 * from which servers of other tests would take them before the start listens.
 */
const FIRST_PORT = 10_000;
const RANGE = 3_000;
const RANGES = 3;
/** Taken in this file. */
const taken: number[] = [];

/** A free port whose admin port is free as well. */
async function takePort(): Promise<number> {
  const range = (Number(process.env.VITEST_POOL_ID ?? '1') - 1) % RANGES;
  for (;;) {
    const at = Math.floor(Math.random() * (RANGE - ADMIN_PORT_OFFSET));
    const port = FIRST_PORT + range * RANGE + at;
    const both = [port, port + ADMIN_PORT_OFFSET];
    const free = await Promise.all(both.map((each) => !taken.includes(each) && isPortFree(each)));
    if (free.includes(false)) continue;
    taken.push(...both);
    return port;
  }
}

/** Free ports, and of the environment around the tests the search path and the home folder alone. */
export async function stackEnvironment(): Promise<Record<string, string>> {
  const names = ['AUTH_PORT', 'SCORE_PORT', 'RANK_PORT', 'EDGE_PORT', 'FANOUT_PORT', 'GAME_PORT'];
  const ports: [string, string][] = [];
  for (const name of names) ports.push([name, String(await takePort())]);
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    ...Object.fromEntries(ports),
  };
}

/** `npm start` until it ends, for starts that are refused. */
export async function runStartToItsEnd(env: Readonly<Record<string, string>>): Promise<CommandResult> {
  return collect(spawn(process.execPath, ['dev/main.ts'], { cwd: ROOT, env: { ...env } }));
}

export function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  stdin = '',
): Promise<CommandResult> {
  const child = spawn(process.execPath, ['services/cli/main.ts', ...args], { cwd: ROOT, env: { ...env } });
  // A command may end without having read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  return collect(child);
}

/** `npm start` in a process group of its own, not waited for. */
export function runStart(
  env: Readonly<Record<string, string>>,
  { npm = false, sources = ROOT, watch = false }: StartOptions = {},
) {
  const program = npm ? ['npm', 'start'] : [process.execPath, 'dev/main.ts'];
  const [command = '', ...args] = [...program, ...(watch ? ['--watch'] : [])];
  const child = spawn(command, args, { cwd: sources, env: { ...env }, detached: true });
  let words = '';
  const listen = (chunk: Buffer) => {
    words += chunk.toString();
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  let over = false;
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      over = true;
      resolve(code);
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    hasEnded: () => over,
    isReady: () => words.includes(READY),
    output: () => words,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
  };
}

async function collect(child: ChildProcess): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
