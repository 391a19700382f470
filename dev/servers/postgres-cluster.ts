/**
 * The data of the private Postgres. initdb creates the cluster in a temporary folder, from which it is moved to its place, so a
 * cluster in its place is complete. A cluster is never deleted. The superuser's password is in a file beside it, which is created
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
  /** The folder of the cluster. */
  readonly cluster: string;
  /** The file of the superuser's password. */
  readonly passwordFile: string;
  /** The temporary folder of an initdb that has not finished. */
  readonly unfinished: string;
}

/** The user that runs Postgres if this is root. The account exists on every Unix and owns nothing. */
const UNPRIVILEGED_USER = 'nobody';
/** A fast shutdown that takes longer is killed. That costs a recovery and loses no data. */
const FORCE_AFTER_MS = 12_000;
/** The lowest number of a database that initdb did not create. */
const FIRST_OWN_DATABASE = 16_384;

export function postgresHome(folder: string): PostgresHome {
  return {
    cluster: join(folder, 'cluster'),
    passwordFile: join(folder, 'password'),
    unfinished: join(folder, 'unfinished'),
  };
}

/** The user to run Postgres as; undefined if that is the current user. */
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
 * The path by which Postgres opens its working folder. Another user than the current one may not be allowed to pass through the
 * folders above it, for example root's home. We set the working folder, and Linux gives a path to it that avoids them.
 */
export function workingFolderFor(user: SystemUser | undefined, folder: string): string {
  return user !== undefined && process.platform === 'linux' ? '/proc/self/cwd' : folder;
}

/** Creates the cluster if there is none. `mark` is a descriptor that initdb inherits. */
export async function ensureCluster(
  home: PostgresHome,
  { binaries, user, mark }: { binaries: string; user: SystemUser | undefined; mark?: number | undefined },
): Promise<void> {
  const { cluster, passwordFile, unfinished } = home;
  await rm(unfinished, { recursive: true, force: true });
  if (isCluster(cluster)) return;
  if (existsSync(cluster) && readdirSync(cluster).length > 0) {
    throw new Error(
      `${cluster} is not a Postgres cluster, since it has no PG_VERSION: restore it from a backup, or remove it if it never held scores`,
    );
  }
  assertKnownUser(user);
  const draft = join(unfinished, 'cluster');
  const password = join(unfinished, 'password');
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await writeFile(password, await ensurePassword(passwordFile), { mode: 0o600 });
  if (user !== undefined) {
    // The outer folder last: from then on its new owner could put a link in the place of the others.
    for (const path of [password, draft, unfinished]) await chown(path, user.uid, user.gid);
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
        reject(
          new Error(`${name} ended with ${signal ?? code}: ${tellingLine(words) ?? 'without a message'}`),
        );
    });
  });
}

/** initdb looks up its user in /etc/passwd; Postgres does not. */
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

/** Ends a Postgres that still runs on the cluster, and removes stale lock files, which would keep Postgres from starting. */
export async function freeCluster({ cluster }: PostgresHome): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid');
  if (!existsSync(pidFile)) return removeSockets(cluster);
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  if (pid > 0 && worksIn(pid, cluster) === true) await endPostgres(pid);
  // Postgres refuses to start if the lock file has no process id, the id of an unrelated process, or that of a zombie, which every
  // ended process becomes in a container whose first process does not collect its children.
  const isStale = !(pid > 0) || (isTaken(pid) && (!isRunning(pid) || worksIn(pid, cluster) === false));
  if (!isStale) return;
  rmSync(pidFile, { force: true });
  removeSockets(cluster);
}

/** Sockets and their lock files, which Postgres judges as it does its own. */
function removeSockets(cluster: string): void {
  for (const name of readdirSync(cluster)) {
    if (name.startsWith('.s.PGSQL.')) rmSync(join(cluster, name), { force: true });
  }
}

async function endPostgres(pid: number): Promise<void> {
  signalProcess(pid, 'SIGINT');
  const forceAtMs = performance.now() + FORCE_AFTER_MS;
  while (isRunning(pid)) {
    if (performance.now() > forceAtMs) signalProcess(pid, 'SIGKILL');
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Completes the error of a Postgres that does not start: says where its data are and what the operator may do with them. */
export function describeCluster({ cluster }: PostgresHome): string {
  const databases = existsSync(join(cluster, 'base')) ? readdirSync(join(cluster, 'base')) : [];
  if (databases.some((name) => Number(name) >= FIRST_OWN_DATABASE)) return `its data are in ${cluster}`;
  return `its first start was interrupted before it stored anything: remove ${cluster} and start again`;
}

function isCluster(folder: string): boolean {
  return existsSync(join(folder, 'PG_VERSION'));
}
