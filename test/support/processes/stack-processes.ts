/** The whole product as its users start it: `npm start` on ports and in a data folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UNIT_NAMES } from '../../../dev/site/local-config.ts';
import { readStackFile, type StackFile } from '../../../services/shared/identity/stack-file.ts';
import { ask, bearer } from '../clients/edge-client.ts';
import { rankedAnswer } from '../clients/sent-again.ts';
import { placeCluster } from '../servers/test-postgres.ts';
import { waitFor } from '../wait-for.ts';
import { READY, runCli, runStart, type StartOptions, stackEnvironment } from './stack-commands.ts';
import { issueToken, type PlayerAction, vouch } from './vouch.ts';

export { runCli, runStart, runStartToItsEnd, stackEnvironment } from './stack-commands.ts';

export interface StackProcessesOptions extends StartOptions {
  env?: Readonly<Record<string, string>>;
  /** Kept after the end. Without it the stack has a folder of its own, which is removed after the end. */
  dataDir?: string;
}

const START_LIMIT_MS = 150_000;

interface Readiness {
  readonly checks: Readonly<Record<string, boolean>>;
  readonly without?: Readonly<Record<string, string>>;
}

/** Resolves when the stack is ready. Throws what it printed if it ends instead. */
export async function startStackProcesses(options: StackProcessesOptions = {}): Promise<StackProcesses> {
  const dataDir = options.dataDir ?? (await makeDataDir());
  const env = { ...(await stackEnvironment()), ...options.env, DATA_DIR: dataDir };
  const supervisor = runStart(env, options);
  const stack = new StackProcesses(supervisor, env, options.dataDir === undefined);
  try {
    await waitFor(() => (supervisor.isReady() || supervisor.hasEnded() ? true : undefined), {
      ...{ limitMs: START_LIMIT_MS, describe: READY },
    });
    if (supervisor.hasEnded())
      throw new Error(`the stack ended instead of being ready:\n${supervisor.output()}`);
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

/** With a Postgres cluster in it, which spares the start its slowest step. */
async function makeDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-stack-'));
  await placeCluster(join(dataDir, 'postgres'));
  return dataDir;
}

export class StackProcesses {
  readonly dataDir: string;
  /** The environment that starts the same stack again. */
  readonly env: Readonly<Record<string, string>>;
  private readonly supervisor: ReturnType<typeof runStart>;
  private readonly isTemporary: boolean;

  constructor(
    supervisor: ReturnType<typeof runStart>,
    env: Readonly<Record<string, string>> & { DATA_DIR: string },
    isTemporary: boolean,
  ) {
    this.supervisor = supervisor;
    this.env = env;
    this.dataDir = env.DATA_DIR;
    this.isTemporary = isTemporary;
  }

  /** http://127.0.0.1:port */
  get edgeUrl(): string {
    return `http://127.0.0.1:${this.env.EDGE_PORT}`;
  }

  get gameUrl(): string {
    return `http://127.0.0.1:${this.env.GAME_PORT}`;
  }

  /** ws://127.0.0.1:port/live */
  get fanoutUrl(): string {
    return `ws://127.0.0.1:${this.env.FANOUT_PORT}/live`;
  }

  /** Of the supervisor, or of npm around it. */
  get pid(): number {
    return this.supervisor.pid;
  }

  /** Everything that the supervisor has printed. */
  output(): string {
    return this.supervisor.output();
  }

  /** The current stack.json. */
  stack(): StackFile {
    const file = readStackFile(this.dataDir);
    if (file === undefined) throw new Error(`there is no stack in ${this.dataDir}`);
    return file;
  }

  /** `npm run --silent cli -- args`, with more in its environment. */
  cli(args: readonly string[], stdin?: string, more: Readonly<Record<string, string>> = {}) {
    return runCli(args, { ...this.env, ...more }, stdin);
  }

  /** Earns points as a player does. Returns the edge's answer. */
  /** The answer to an action, which is sent by the retry rule until it has a rank or is refused for good. */
  async submit(userId: string, actionId: string, points: number, leaderboard = 'global'): Promise<unknown> {
    const action = { leaderboard, userId, actionId, points };
    const file = this.stack();
    const { token, signature } =
      file.mode === 'development' ? await vouch(this.dataDir, file, action) : await this.vouchByCli(action);
    const { body } = await rankedAnswer(() =>
      ask(`${this.edgeUrl}/api/v1/score/update`, {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'application/json' },
        body: JSON.stringify({ actionId, points, leaderboard, signature }),
      }),
    );
    return body;
  }

  /** A token as `cli token` prints it, without the half second of processor time that each command costs. */
  token(userId: string, username = ''): Promise<string> {
    return issueToken(this.dataDir, this.stack(), { userId, username });
  }

  /** What `cli status` prints of one process: what it does without, and why; undefined if it is ready. */
  async troubleOf(name: string): Promise<string | undefined> {
    const { adminPort } = this.stack().processes[name] ?? {};
    const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    if (response === undefined) return 'no answer';
    const { checks, without = {} } = (await response.json()) as Readiness;
    const failing = Object.entries(checks).flatMap(([check, holds]) => (holds ? [] : [check]));
    const missing = Object.entries(without).map(([server, why]) => `${server} (${why})`);
    return failing.length + missing.length === 0 ? undefined : [...failing, ...missing].join(', ');
  }

  /** Whether each of our processes is ready and does without nothing. */
  async isReady(): Promise<boolean> {
    const troubles = await Promise.all(UNIT_NAMES.map((name) => this.troubleOf(name)));
    return troubles.every((trouble) => trouble === undefined);
  }

  /** SIGKILL to one of its processes. Returns the pid that it had. */
  killProcess(name: string): number {
    const pid = this.stack().processes[name]?.pid;
    if (pid === undefined) throw new Error(`the stack has no process ${name}`);
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  killFanout(): void {
    this.killProcess('fanout');
  }

  /** Ends it as an operator would. Returns the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.supervisor.kill(signal);
    const code = await this.supervisor.ended;
    if (this.isTemporary) await rm(this.dataDir, { recursive: true, force: true });
    return code;
  }

  /** SIGKILL to the supervisor alone: what it started keeps running. */
  async killHard(): Promise<void> {
    process.kill(this.stack().pid, 'SIGKILL');
    await this.supervisor.ended;
  }

  private async vouchByCli({ leaderboard, userId, actionId, points }: PlayerAction) {
    const [token, signature] = await Promise.all([
      this.cli(['token', userId]),
      this.cli(['sign', userId, actionId, String(points), '--leaderboard', leaderboard]),
    ]);
    return { token: token.stdout.trim(), signature: signature.stdout.trim() };
  }
}
