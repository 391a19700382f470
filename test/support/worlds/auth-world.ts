/** A real auth service on a real Postgres, with a link between them that a test can cut or freeze. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { AuthConfig } from '../../../services/auth/config.ts';
import { type AuthServiceHandle, startAuth } from '../../../services/auth/service.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { createGrpcClient, type GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import {
  createServiceKey,
  digestServiceKeys,
  SERVICE_NAMES,
} from '../../../services/shared/identity/service-keys.ts';
import { Secret } from '../../../services/shared/settings/secret.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { startTestPostgres } from '../servers/test-postgres.ts';

const HOST = '127.0.0.1';

export interface Link {
  readonly port: number;
  /** Bytes stop, connections stay: what a half-open network looks like. */
  freeze(): void;
  thaw(): void;
  /** Connections are reset, and new ones too, until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

async function openLink(toPort: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let frozen = false;
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(toPort, HOST);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (frozen) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      isCut = false;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export interface AuthWorld {
  readonly keysDir: string;
  /** As the service itself comes, over the link. */
  readonly databaseUrl: string;
  readonly serviceKeys: ReadonlyMap<string, string>;
  /** Reaches the database directly, also while the link is cut. */
  readonly sql: Sql;
  readonly link: Link;
  /** What the service's clock is ahead of real time. */
  readonly clock: { now(): number; aheadMs: number };
  readonly auth: AuthServiceHandle;
  /** A client with this service's key, or with any text as key. Closed by `stop`. */
  as(nameOrKey: string): GrpcClient<typeof AuthService>;
  /** Stops the service and starts it again on the same files. */
  restart(changes?: Partial<AuthConfig>): Promise<void>;
  stop(): Promise<void>;
}

export async function startAuthWorld(changes: Partial<AuthConfig> = {}): Promise<AuthWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-auth-'));
  const postgres = await startTestPostgres({ dataDir: join(dir, 'postgres') });
  const log = createSilentLog();
  await migrate({ url: postgres.url, log, roles: postgres.roles });
  const sql = connectPostgres({
    url: postgres.url,
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 5_000,
  });
  const link = await openLink(postgres.port);
  const databaseUrl = new URL(postgres.urlAs('auth'));
  databaseUrl.hostname = HOST;
  databaseUrl.port = String(link.port);

  const serviceKeys = new Map<string, string>(SERVICE_NAMES.map((name) => [name, createServiceKey(name)]));
  const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
  const config: AuthConfig = {
    isDeniedName: () => false,
    host: HOST,
    port: 0,
    adminHost: HOST,
    adminPort: 0,
    databaseUrl: new Secret(databaseUrl.href),
    databaseSchema: 'public',
    keysDir: join(dir, 'auth-keys'),
    tokenPolicy: { issuer: 'scoreboard', audience: 'scoreboard', outside: [] },
    tokenLifetimeS: 600,
    actionLifetimeS: 900,
    allowV0Signatures: false,
    callers: { digests: digestServiceKeys([...serviceKeys.values()]) },
    reflection: true,
    ...changes,
  };
  let auth = await startAuth(config, { log, clock });
  let clients: GrpcClient<typeof AuthService>[] = [];
  const closeClients = () => {
    for (const client of clients) client.close();
    clients = [];
  };
  return {
    keysDir: config.keysDir,
    databaseUrl: databaseUrl.href,
    serviceKeys,
    sql,
    link,
    clock,
    get auth() {
      return auth;
    },
    as(nameOrKey) {
      const client = createGrpcClient(AuthService, {
        address: `${HOST}:${auth.port}`,
        serviceKey: serviceKeys.get(nameOrKey) ?? nameOrKey,
        unavailable: 'AUTH_UNAVAILABLE',
      });
      clients.push(client);
      return client;
    },
    async restart(more = {}) {
      closeClients();
      await auth.stop();
      auth = await startAuth({ ...config, ...more }, { log, clock });
    },
    async stop() {
      closeClients();
      await auth.stop();
      await sql.end();
      await link.close();
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
