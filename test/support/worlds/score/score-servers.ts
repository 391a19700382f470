/** The real servers under a score world: Postgres, Redis and NATS, which a test can kill, hold, fill and start again. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startNatsServer } from '../../../../dev/servers/nats-server.ts';
import { startPostgresServer } from '../../../../dev/servers/postgres-server.ts';
import { startRedisServer } from '../../../../dev/servers/redis-server.ts';
import type { StoreUser } from '../../../../services/provision/store-passwords.ts';
import type { DatabaseService } from '../../../../services/shared/stores/postgres/database-roles.ts';
import { limitFileSize } from '../../processes/limit-file-size.ts';
import { pauseProcess, resumeProcess } from '../../processes/pause-process.ts';
import { setJetStream } from '../../servers/jetstream.ts';
import { startTestPostgres } from '../../servers/test-postgres.ts';

export type ServerName = 'postgres' | 'redis' | 'nats';

export type ScoreServers = Awaited<ReturnType<typeof startScoreServers>>;

export async function startScoreServers(dir: string) {
  const dataDir = (name: string) => join(dir, name);
  // Apart from the servers' data, which a test may delete.
  const home = (name: ServerName) => ({ dataDir: dataDir(name), secretsDir: dataDir('secrets') });
  let [postgres, redis, nats] = await Promise.all([
    startTestPostgres(home('postgres')),
    startRedisServer(home('redis')),
    startNatsServer(home('nats')),
  ]);
  const pidOf = (server: ServerName) => ({ postgres, redis, nats })[server].pid;
  return {
    /** For the migration, which makes a role for each service. */
    roles: postgres.roles,
    /** The administrators' addresses. Each service has a user of its own. */
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    natsUrl: nats.url,
    databaseUrlAs: (service: DatabaseService) => postgres.urlAs(service),
    redisUrlAs: (user: StoreUser<'redis'>) => redis.urlAs(user),
    natsUrlAs: (user: StoreUser<'nats'>) => nats.urlAs(user),
    /** SIGSTOP to the server and all its children: connections stay open and get no answer. */
    pause: (server: ServerName) => pauseProcess(pidOf(server)),
    resume: (server: ServerName) => resumeProcess(pidOf(server)),
    /** No file of the server's processes grows beyond this. */
    limitFiles: (server: ServerName, bytes: number | 'unlimited') => limitFileSize(pidOf(server), bytes),
    async killRedis() {
      redis.kill('SIGKILL');
      await redis.stop();
    },
    async startRedis() {
      redis = await startRedisServer({ ...home('redis'), port: redis.port });
    },
    async killNats() {
      nats.kill('SIGKILL');
      await nats.stop();
    },
    async startNats({ empty = false } = {}) {
      if (empty) await rm(dataDir('nats'), { recursive: true, force: true });
      nats = await startNatsServer({ ...home('nats'), port: nats.port });
    },
    /** The server itself keeps running. */
    setJetStream: (isEnabled: boolean) =>
      setJetStream({ dataDir: dataDir('nats'), pid: nats.pid }, isEnabled),
    async killPostgres() {
      postgres.kill('SIGKILL');
      await postgres.stop();
    },
    async startPostgres() {
      postgres = await startPostgresServer({ ...home('postgres'), port: postgres.port });
    },
    async stopServers() {
      await Promise.all([nats.stop(), redis.stop(), postgres.stop()]);
    },
  };
}
