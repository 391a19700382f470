import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalServer } from '../../../dev/servers/child-server.ts';
import { startNatsServer } from '../../../dev/servers/nats-server.ts';
import { startRedisServer } from '../../../dev/servers/redis-server.ts';
import { ScoreService } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { migrate } from '../../../services/database/migrate.ts';
import { type RankServer, startRank } from '../../../services/rank/service.ts';
import { type ScoreServer, startScore } from '../../../services/score/service.ts';
import { createAuditKey } from '../../../services/shared/audit-chain/audit-chain.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { createGrpcClient, type GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createServiceKey, digestServiceKeys } from '../../../services/shared/identity/service-keys.ts';
import { Secret } from '../../../services/shared/settings/secret.ts';
import { connectPostgres, type Sql } from '../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { type PostgresProxy, startPostgresProxy } from '../../fault/network/postgres-proxy.ts';
import { outcomeOf } from '../../fault/record/outcome.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

const HOST = '127.0.0.1';
const CALL = { limitMs: 2_000 };
/** Far more than any exchange has messages. */
const MOST_MESSAGES = 60;

let dir: string;
let servers: LocalServer[];
let proxy: PostgresProxy;
let rank: RankServer;
let score: ScoreServer;
let client: GrpcClient<typeof ScoreService>;
let sql: Sql;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-edge-of-commit-'));
  const dataDir = (name: string) => join(dir, name);
  const [postgres, redis, nats] = await Promise.all([
    startTestPostgres({ dataDir: dataDir('postgres') }),
    startRedisServer({ dataDir: dataDir('redis') }),
    startNatsServer({ dataDir: dataDir('nats') }),
  ]);
  servers = [postgres, redis, nats];
  const log = createSilentLog();
  await migrate({ url: postgres.url, log, roles: postgres.roles });
  proxy = await startPostgresProxy({
    target: { host: HOST, port: postgres.port },
    applicationName: 'scoreboard-score-accept',
  });
  const proxied = new URL(postgres.urlAs('score'));
  proxied.port = String(proxy.port);
  const [game, own] = [createServiceKey('game'), createServiceKey('score')];
  const listen = {
    host: HOST,
    port: 0,
    adminHost: HOST,
    adminPort: 0,
    reflection: false,
    databaseSchema: 'public',
    namespace: 'scoreboard',
  };
  const callers = { digests: digestServiceKeys([game, own]) };
  rank = await startRank(
    {
      ...{ ...listen, callers, databaseUrl: new Secret(postgres.urlAs('rank')) },
      ...{ redisUrl: new Secret(redis.urlAs('rank')), natsUrl: new Secret(nats.urlAs('rank')) },
    },
    { log },
  );
  score = await startScore(
    {
      ...{ ...listen, callers, databaseUrl: new Secret(proxied.href) },
      ...{ natsUrl: new Secret(nats.urlAs('score')), rankAddress: `${HOST}:${rank.port}`, rankWaitMs: 500 },
      // A trusted game server vouches for its submissions, so no signature is verified.
      ...{ authAddress: `${HOST}:1`, identity: { serviceKey: own } },
      auditKey: new Secret(createAuditKey()),
      ...{
        auditKeySource: 'AUDIT_KEY',
        newAuditKeyAfter: undefined,
        boardsByFirstScore: true,
        isDeniedName: () => false,
      },
    },
    { log },
  );
  const address = `${HOST}:${score.port}`;
  client = createGrpcClient(ScoreService, { address, serviceKey: game, unavailable: 'SCORE_UNAVAILABLE' });
  sql = connectPostgres({
    ...{ url: postgres.url, connections: 1, applicationName: 'test', statementTimeoutMs: 10_000 },
  });
});

afterAll(async () => {
  client?.close();
  await score?.stop();
  await rank?.stop();
  await sql?.end();
  await proxy?.stop();
  await Promise.all((servers ?? []).map((server) => server.stop()));
  await rm(dir, { recursive: true, force: true });
});

const submit = async (userId: string, actionId: string, points: bigint) =>
  (await client.submitScore({ submission: { userId, actionId, points } }, CALL)).accepted;
const reasonOf = (asking: Promise<unknown>) =>
  asking.then(
    () => undefined,
    (error: unknown) => (error instanceof AppError ? error.reason : String(error)),
  );
/** As the documented retry rule has it: the same again, until there is an answer. */
const submitUntilAnswered = (userId: string, actionId: string, points: bigint) =>
  waitFor(() => submit(userId, actionId, points).catch(() => undefined), { describe: 'an answer' });
const rowsOf = (userId: string) =>
  sql<{ action_id: string; points: bigint; score_after: bigint; version: bigint }[]>`
    select action_id, points, score_after, version from actions where user_id = ${userId} order by version`;

interface Road {
  /** What makes the next exchange go this way. */
  readonly prepare: (user: string, step: number) => Promise<unknown>;
  /** Actions that the player has when all is done, for each step. */
  readonly actionsPerStep: number;
  readonly name: string;
  readonly user: string;
  readonly action: (step: number) => string;
}

const ROADS: readonly Road[] = [
  {
    name: 'a statement on a new connection',
    user: 'new',
    prepare: async () => {
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'scoreboard-score-accept'`;
      return waitFor(() => proxy.connections === 0 || undefined);
    },
    action: (step) => `a${step}`,
    actionsPerStep: 1,
  },
  {
    name: 'a statement on a connection that knows it',
    user: 'warm',
    prepare: (user, step) => submit(user, `warm${step}`, 1n),
    action: (step) => `a${step}`,
    actionsPerStep: 2,
  },
  {
    name: 'a repeat, which takes the careful road',
    user: 'repeat',
    prepare: (user, step) => submit(user, `a${step}`, 5n),
    action: (step) => `a${step}`,
    actionsPerStep: 1,
  },
];

describe('cut exactly after any message between score and Postgres', () => {
  it.each(ROADS)(
    '$name: the retry gives the one right answer',
    async ({ user, prepare, action, actionsPerStep }) => {
      const told: string[] = [];
      let step = 0;
      for (step = 1; step <= MOST_MESSAGES; step += 1) {
        let reason: string | undefined;
        let before = 0;
        do {
          await waitFor(() => prepare(user, step).catch(() => undefined), { describe: 'a connection' });
          before = (await rowsOf(user)).length;
          proxy.cutAfter(step);
          reason = await reasonOf(submit(user, action(step), 5n));
          // A connection that was gone already is no exchange.
        } while (reason !== undefined && proxy.seen.length === 0);
        told.push(`${proxy.seen.join(' ')}: ${reason ?? 'answered'}`);
        const wasCut = proxy.hasCut;
        // Committed or not, nothing else may have been said than what is true.
        if (reason !== undefined && outcomeOf(reason) === 'fail')
          expect(await rowsOf(user)).toHaveLength(before);
        const answer = await submitUntilAnswered(user, action(step), 5n);
        const rows = await rowsOf(user);
        const row = rows.find((each) => each.action_id === action(step));
        expect({ newScore: answer?.newScore, version: answer?.version }, told.join('\n')).toEqual({
          newScore: row?.score_after,
          version: row?.version,
        });
        expect(rows, told.join('\n')).toHaveLength(step * actionsPerStep);
        const total = rows.reduce((sum, { points }) => sum + points, 0n);
        expect(rows.at(-1)?.score_after).toBe(total);
        if (!wasCut) break;
      }
      // It went on until an exchange was through before its cut.
      expect(step, told.join('\n')).toBeGreaterThan(5);
      expect(step).toBeLessThan(MOST_MESSAGES);
    },
  );
});
