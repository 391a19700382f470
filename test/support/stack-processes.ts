/** The whole product as its users start it: `npm start` on ports and in a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../dev/host/ports.ts';
import { readStackFile, type StackFile } from '../../services/shared/identity/stack-file.ts';
import { waitFor } from './wait-for.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StackProcesses {
  /** http://127.0.0.1:port */
  readonly edgeUrl: string;
  /** ws://127.0.0.1:port/live */
  readonly fanoutUrl: string;
  readonly gameUrl: string;
  readonly dataDir: string;
  /** The environment that starts the same stack again. */
  readonly env: Readonly<Record<string, string>>;
  /** The supervisor, or npm around it. */
  readonly pid: number;
  /** All that the supervisor printed so far. */
  output(): string;
  /** What the stack says about itself now. */
  stack(): StackFile;
  /** `npm run --silent cli -- args` */
  cli(args: readonly string[], stdin?: string): Promise<CommandResult>;
  /** Earns points as a player does, and gives back the edge's answer. */
  submit(user: string, action: string, points: number): Promise<unknown>;
  /** Kills one of its processes hard and gives back the number that it had. */
  killProcess(name: string): number;
  killFanout(): void;
  /** Ends it as an operator would, and gives back the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Kills the supervisor alone, hard: what it started stays behind. */
  killHard(): Promise<void>;
}

export interface StackProcessesOptions {
  env?: Readonly<Record<string, string>>;
  /** Kept after the end; a folder of its own, gone after the end, when left out. */
  dataDir?: string;
  /** Starts it through npm. */
  npm?: boolean;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const READY = 'scoreboard ready';
const START_LIMIT_MS = 90_000;

/** Resolves when the stack is ready; throws what it printed when it ends instead. */
export async function startStackProcesses(options: StackProcessesOptions = {}): Promise<StackProcesses> {
  const env = { ...(await stackEnvironment()), ...options.env };
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'scoreboard-stack-')));
  env.DATA_DIR = dataDir;
  const supervisor = runStart(env, options.npm);
  const clean = async () => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  const url = (scheme: string, variable: string) => `${scheme}://127.0.0.1:${env[variable]}`;
  const stack: StackProcesses = {
    edgeUrl: url('http', 'EDGE_PORT'),
    fanoutUrl: `${url('ws', 'FANOUT_PORT')}/live`,
    gameUrl: url('http', 'GAME_PORT'),
    dataDir,
    env,
    pid: supervisor.pid,
    output: supervisor.output,
    stack() {
      const file = readStackFile(dataDir);
      if (file === undefined) throw new Error(`there is no stack in ${dataDir}`);
      return file;
    },
    cli: (args, stdin) => runCli(args, env, stdin),
    async submit(user, action, points) {
      const [token, signature] = await Promise.all([
        stack.cli(['token', user]),
        stack.cli(['sign', user, action, String(points)]),
      ]);
      const response = await fetch(`${stack.edgeUrl}/api/v1/score/update`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token.stdout.trim()}`, 'content-type': 'application/json' },
        body: JSON.stringify({ actionId: action, points, signature: signature.stdout.trim() }),
      });
      return response.json();
    },
    killProcess(name) {
      const pid = stack.stack().processes[name]?.pid;
      if (pid === undefined) throw new Error(`the stack has no process ${name}`);
      process.kill(pid, 'SIGKILL');
      return pid;
    },
    killFanout: () => void stack.killProcess('fanout'),
    async stop(signal = 'SIGTERM') {
      supervisor.kill(signal);
      const code = await supervisor.ended;
      await clean();
      return code;
    },
    async killHard() {
      process.kill(stack.stack().pid, 'SIGKILL');
      await supervisor.ended;
    },
  };
  try {
    await waitFor(() => (supervisor.isReady() || supervisor.hasEnded() ? true : undefined), {
      limitMs: START_LIMIT_MS,
      describe: READY,
    });
    if (supervisor.hasEnded())
      throw new Error(`the stack ended instead of being ready:\n${supervisor.output()}`);
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

/** Free ports, and nothing of the environment around the tests but the search path. */
export async function stackEnvironment(): Promise<Record<string, string>> {
  const names = ['AUTH_PORT', 'SCORE_PORT', 'RANK_PORT', 'EDGE_PORT', 'FANOUT_PORT', 'GAME_PORT'];
  const ports = new Set<number>();
  while (ports.size < names.length) ports.add(await freePort());
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    ...Object.fromEntries([...ports].map((port, at) => [names[at] ?? '', String(port)])),
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
  // It need not read everything, or anything.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  return collect(child);
}

/** `npm start` in a process group of its own, not waited for. */
export function runStart(env: Readonly<Record<string, string>>, npm = false) {
  const [command, ...args] = npm ? ['npm', 'start'] : [process.execPath, 'dev/main.ts'];
  const child = spawn(command ?? '', args, { cwd: ROOT, env: { ...env }, detached: true });
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
