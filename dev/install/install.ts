/** Installs the server programs that npm can't install, by apt if this user may, or throws an error that says what to install. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Program {
  /** One of these is enough. */
  readonly commands: readonly string[];
  readonly debianPackage: string;
}

export const REDIS: Program = { commands: ['redis-server'], debianPackage: 'redis-server' };
export const NATS: Program = { commands: ['nats-server'], debianPackage: 'nats-server' };
export const CHROMIUM: Program = {
  commands: ['chromium', 'chromium-browser', 'google-chrome'],
  debianPackage: 'chromium',
};
/** Its package has pg_dump and pg_restore, for the test of a backup; the package of the private Postgres has neither. */
export const POSTGRES: Program = { commands: ['pg_ctlcluster'], debianPackage: 'postgresql' };
/** Injects disk failures in tests. */
export const STRACE: Program = { commands: ['strace'], debianPackage: 'strace' };
/** Poolers and proxies between which the product must work. Only its tests start them. */
export const NEIGHBOURS: readonly Program[] = [
  { commands: ['pgbouncer'], debianPackage: 'pgbouncer' },
  { commands: ['nginx'], debianPackage: 'nginx' },
  { commands: ['haproxy'], debianPackage: 'haproxy' },
];

/** Debian installs servers here, outside an ordinary user's PATH. */
const SERVER_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
/** The script by which Debian decides whether a package may start its daemon. */
const POLICY = '/usr/sbin/policy-rc.d';

/** Returns PATH with the folders of servers. */
export function pathWithServers(path: string | undefined): string {
  const folders = (path ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...folders, ...SERVER_FOLDERS])].join(delimiter);
}

export function isInstalled({ commands }: Program, path: string): boolean {
  return path.split(delimiter).some((folder) =>
    commands.some((command) => {
      try {
        accessSync(join(folder, command), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

/** Installs the missing programs, or throws an error that says what the operator must do. */
export async function installPrograms(
  programs: readonly Program[],
  { path, say }: { path: string; say: (line: string) => void },
): Promise<void> {
  const missing = programs.filter((program) => !isInstalled(program, path));
  if (missing.length === 0) return;
  const packages = missing.map(({ debianPackage }) => debianPackage);
  const help = `install ${packages.join(' and ')} (Debian: apt-get install ${packages.join(' ')}), or run everything with: docker compose up`;
  if (!existsSync('/usr/bin/apt-get')) throw new Error(help);
  const prefix = await privilege();
  if (prefix === undefined) throw new Error(help);
  say(`installing ${packages.join(' and ')} with apt …`);
  const failure = await aptInstall(prefix, packages);
  if (failure !== undefined || missing.some((program) => !isInstalled(program, path))) {
    throw new Error(`apt could not install ${packages.join(' and ')}: ${failure ?? 'no program'}; ${help}`);
  }
}

/** The words before a command that run it as root; undefined if this user may not. */
async function privilege(): Promise<string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  const { code } = await run('sudo', ['-n', 'true']);
  return code === 0 ? ['sudo', '-n'] : undefined;
}

/** Resolves with the end of apt's output if it failed. */
async function aptInstall(
  prefix: readonly string[],
  packages: readonly string[],
): Promise<string | undefined> {
  // 101 means "forbidden". Otherwise Debian would start each daemon on its default port with its default data.
  const forbid = `[ -e ${POLICY} ] || { printf '#!/bin/sh\\nexit 101\\n' > ${POLICY} && chmod 755 ${POLICY} && made=yes; }`;
  const install =
    'apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"';
  const script = `${forbid}; { ${install}; }; status=$?; [ -z "$made" ] || rm -f ${POLICY}; exit $status`;
  const [command = 'sh', ...args] = [...prefix, 'sh', '-c', script, 'sh', ...packages];
  // Not interrupted by Ctrl-C in the terminal: a half-finished installation is worse than a wait.
  const { code, output } = await run(command, args, { detached: true });
  return code === 0 ? undefined : output.trim().split('\n').slice(-3).join(' ') || `exit code ${code}`;
}

function run(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const listen = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}
