/** nginx and HAProxy of Debian's packages, with configurations that `deploy/` has or that a test writes. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathWithServers } from '../../../dev/install/install.ts';
import { type LocalServer, startChildServer } from '../../../dev/servers/child-server.ts';

const DEPLOY = new URL('../../../deploy/', import.meta.url);

/** The ports of what is behind the proxy, each of one or several instances. */
export interface Upstreams {
  readonly edge: number | readonly number[];
  readonly fanout: number | readonly number[];
  readonly game: number;
}

/** A file of `deploy/` with the ports of a test: a line with the address of an instance becomes one for each. */
export async function deployed(name: string, port: number, upstreams: Upstreams): Promise<string> {
  const text = await readFile(new URL(name, DEPLOY), 'utf8');
  return text
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('bind :80', `bind 127.0.0.1:${port}`)
    .split('\n')
    .flatMap((line) => forEach(forEach([line], 8080, upstreams.edge), 8081, upstreams.fanout))
    .join('\n')
    .replaceAll('127.0.0.1:8082', `127.0.0.1:${upstreams.game}`);
}

/** HAProxy's servers have a number in their names. */
function forEach(lines: readonly string[], port: number, ports: number | readonly number[]): string[] {
  const address = `127.0.0.1:${port}`;
  return lines.flatMap((line) => {
    if (!line.includes(address)) return [line];
    return [ports]
      .flat()
      .map((each, at) =>
        line.replace(address, `127.0.0.1:${each}`).replace(/(server [a-z]+)1 /, `$1${at + 1} `),
      );
  });
}

/** `site` is the content of the http block. */
export function startNginx(port: number, site: string): Promise<LocalServer> {
  const main = (dir: string) => `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    worker_processes 1;
    pid ${dir}/nginx.pid;
    error_log stderr warn;
    events {}
    http {
      access_log off;
      client_body_temp_path ${dir}/body;
      proxy_temp_path ${dir}/proxy;
      fastcgi_temp_path ${dir}/fastcgi;
      uwsgi_temp_path ${dir}/uwsgi;
      scgi_temp_path ${dir}/scgi;
      ${site}
    }`;
  return start('nginx', port, main, (dir, file) => ['-e', 'stderr', '-p', dir, '-c', file]);
}

export function startHaproxy(port: number, configuration: string): Promise<LocalServer> {
  return start(
    'haproxy',
    port,
    () => configuration,
    (_, file) => ['-db', '-f', file],
  );
}

async function start(
  command: string,
  port: number,
  configuration: (dir: string) => string,
  args: (dir: string, file: string) => string[],
): Promise<LocalServer> {
  const dir = await mkdtemp(join(tmpdir(), `scoreboard-${command}-`));
  const file = join(dir, 'proxy.conf');
  await writeFile(file, configuration(dir));
  const server = await startChildServer({
    ...{ name: command, command, install: `apt-get install ${command}`, port },
    args: () => args(dir, file),
    spawn: { env: { ...process.env, PATH: pathWithServers(process.env.PATH) } },
    url: () => `http://127.0.0.1:${port}`,
    stopSignal: 'SIGTERM',
    probe: () => accepts(port),
  });
  void server.exited.then(() => rm(dir, { recursive: true, force: true }));
  return server;
}

function accepts(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
