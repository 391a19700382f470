/**
 * The data of the private Postgres: made whole in a folder beside its place and then moved there, so that a cluster in its place
 * is a finished one. What is in that place is never deleted. The password of its superuser is in a file beside it that is made
 * first and never changed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensurePassword } from '../../services/provision/store-passwords.ts';
import { syncFolder } from '../../services/shared/files/replace-file.ts';
import { isRunning, isTaken, signalProcess, worksIn } from '../host/process-table.ts';
import { tellingLine } from './child-server.ts';
import type { SystemUser } from './postgres-binaries.ts';

const run = promisify(execFile);

export interface PostgresHome {
  /** The cluster's folder. */
  readonly cluster: string;
  /** The file with the superuser's password. */
  readonly passwordFile: string;
  /** Whatever is in here belongs to an initdb that did not finish. */
  readonly unfinished: string;
}

/** Whom Postgres runs as when we are root; the account exists on every Unix and owns nothing. */
const UNPRIVILEGED_USER = 'nobody';
/** A fast shutdown that takes longer than this is cut short, which costs a recovery and no data. */
const FORCE_AFTER_MS = 12_000;
/** The number of the first database that is not of initdb's own making. */
const FIRST_OWN_DATABASE = 16_384;

export function postgresHome(folder: string): PostgresHome {
  return {
    cluster: join(folder, 'cluster'),
    passwordFile: join(folder, 'password'),
    unfinished: join(folder, 'unfinished'),
  };
}

/** The user to run Postgres as; undefined when that is ourselves. */
export async function postgresUser({ cluster }: PostgresHome): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (isCluster(cluster)) {
    const { uid, gid } = statSync(cluster);
    if (uid !== 0) return { uid, gid };
    throw new Error(
      `${cluster} belongs to root, and Postgres does not run as root: chown -R ${UNPRIVILEGED_USER} ${cluster}`,
    );
  }
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, UNPRIVILEGED_USER])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

/**
 * How Postgres names the folder that it works in. For another user than ourselves it is no path through folders that may be
 * closed to that user, as root's home is: the working folder is set by us, and Linux names it without them.
 */
export function workingFolderFor(user: SystemUser | undefined, folder: string): string {
  return user !== undefined && process.platform === 'linux' ? '/proc/self/cwd' : folder;
}

/** Makes the cluster unless there is one. `mark` is a descriptor for the process to inherit. */
export async function ensureCluster(
  home: PostgresHome,
  { binaries, user, mark }: { binaries: string; user: SystemUser | undefined; mark?: number | undefined },
): Promise<void> {
  const { cluster, passwordFile, unfinished } = home;
  await rm(unfinished, { recursive: true, force: true });
  if (isCluster(cluster)) return;
  if (existsSync(cluster) && readdirSync(cluster).length > 0) {
    throw new Error(
      `${cluster} is no Postgres cluster, since it has no PG_VERSION: restore it from a backup, or remove it if it never held scores`,
    );
  }
  assertKnownUser(user);
  const draft = join(unfinished, 'cluster');
  const password = join(unfinished, 'password');
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await writeFile(password, await ensurePassword(passwordFile), { mode: 0o600 });
  if (user !== undefined) {
    for (const path of [unfinished, draft, password]) await chown(path, user.uid, user.gid);
  }
  const folder = workingFolderFor(user, draft);
  const access = ['--username=postgres', `--pwfile=${folder}/../password`, '--auth=scram-sha-256'];
  const names = ['--encoding=UTF8', '--locale=C.UTF-8'];
  const child = spawn(join(binaries, 'initdb'), ['-D', folder, ...access, ...names], {
    ...{ ...user, cwd: draft, detached: true },
    stdio: ['ignore', 'ignore', 'pipe', mark ?? 'ignore'],
  });
  await succeeded(child, 'initdb');
  await rename(draft, cluster);
  syncFolder(join(cluster, '..'));
  await rm(unfinished, { recursive: true, force: true });
}

function succeeded(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(new Error(`${name} ended with ${signal ?? code}: ${tellingLine(words) ?? 'without a word'}`));
    });
  });
}

/** initdb looks itself up; Postgres does not. */
function assertKnownUser(user: SystemUser | undefined): void {
  if (user !== undefined) return;
  try {
    userInfo();
  } catch {
    throw new Error(
      `user ${process.getuid?.()} has no entry in /etc/passwd, which initdb needs: add one, start as another user, or set DATABASE_URL`,
    );
  }
}

/** A Postgres that still runs on the cluster must end before another may start, and a stale lock file must not stop one. */
export async function freeCluster({ cluster }: PostgresHome): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  if (pid > 0 && worksIn(pid, cluster) === true) await endPostgres(pid);
  // Postgres refuses a lock file without a number, or with that of a stranger or of a process that has ended but is still
  // listed, as all are in a container whose first process does not look after them.
  const isStale = !(pid > 0) || (isTaken(pid) && (!isRunning(pid) || worksIn(pid, cluster) === false));
  if (isStale) rmSync(pidFile, { force: true });
}

async function endPostgres(pid: number): Promise<void> {
  signalProcess(pid, 'SIGINT');
  const forceAtMs = performance.now() + FORCE_AFTER_MS;
  while (isRunning(pid)) {
    if (performance.now() > forceAtMs) signalProcess(pid, 'SIGKILL');
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** The end of a sentence about a Postgres that does not start: where its data are, and what may be done with them. */
export function describeCluster({ cluster }: PostgresHome): string {
  const databases = existsSync(join(cluster, 'base')) ? readdirSync(join(cluster, 'base')) : [];
  if (databases.some((name) => Number(name) >= FIRST_OWN_DATABASE)) return `its data are in ${cluster}`;
  return `its first start was cut off before it held anything: remove ${cluster} and start again`;
}

function isCluster(folder: string): boolean {
  return existsSync(join(folder, 'PG_VERSION'));
}
