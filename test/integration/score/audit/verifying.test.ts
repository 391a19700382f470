/** Verifying a running service: every change of its log is found, whoever makes it. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readChain } from '../../../../services/cli/audit/read-chain.ts';
import { verifyStack } from '../../../../services/cli/audit/verify.ts';
import { connectPostgres } from '../../../../services/shared/stores/postgres/postgres.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/worlds/score/score-world.ts';

const call = { limitMs: 30_000 };

let world: ScoreWorld;
let sql: ReturnType<typeof connectPostgres>;
beforeAll(async () => {
  world = await startScoreWorld({ scoreServices: 2 });
  sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 },
  });
  // Three links at least.
  for (const round of [0, 1, 2]) {
    await Promise.all(Array.from({ length: 14 }, (_, n) => submitFive(`a${14 * round + n}`, n)));
    await untilSealed();
  }
});
afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const submitFive = (actionId: string, n: number) => {
  const submissions = Array.from({ length: 5 }, (_, at) => ({
    ...{ userId: `p${at}`, actionId, points: BigInt(n) },
  }));
  return world.scoreAs('game', n % 2).submitScores({ submissions }, call);
};
const audit = () => world.auditAs('cli');
const untilSealed = () =>
  waitFor(async () => (await audit().getAuditHead({}, call)).unsealedBatches === 0n || undefined);

async function verdict(head?: { seq: bigint; head: Uint8Array }): Promise<string> {
  const pieces: string[] = [];
  const options = { key: world.auditKey, expected: head };
  const code = await verifyStack(audit(), options, async (text) => void pieces.push(text));
  return `${code} ${pieces.join('')}`;
}

it('accepts the one chain that two services made', async () => {
  const head = await audit().getAuditHead({}, call);
  expect(await verdict(head)).toMatch(/^0 OK: \d+ links seal 210 actions/);
  await expect(world.auditAs('edge').getAuditHead({}, call)).rejects.toMatchObject({
    reason: 'CALLER_NOT_ALLOWED',
  });
});

/** Changes to the log that the owner of the database can make; `one` is one logged action. */
const one = `(user_id, action_id) = ('p1', 'a7')`;
const TAMPERING: readonly [string, string][] = [
  ['changed one bit of the points', `update actions set points = points # 1 where ${one}`],
  ['changed one bit of a score', `update actions set score_after = score_after # 4 where ${one}`],
  [
    'made points negative',
    `alter table actions drop constraint actions_points_check;
     update actions set points = -5 where ${one}`,
  ],
  ['changed a version', `update actions set version = version + 1 where ${one}`],
  ['moved an action within its batch', `update actions set position = position + 400 where ${one}`],
  [
    'moved an action to a position that no batch has',
    `update actions set position = position / 1000 * 1000 where ${one}`,
  ],
  ['moved an action to another board', `update actions set leaderboard = 'weekly' where ${one}`],
  ['renamed an action', `update actions set action_id = 'b7' where ${one}`],
  ['gave an action to a player who is not in the log', `update actions set user_id = 'p9' where ${one}`],
  [
    'gave an action to a player of the log',
    `update actions set user_id = 'p2', action_id = 'x' where ${one}`,
  ],
  ['changed the key that signed', `update actions set key_id = 'k2' where ${one}`],
  ['changed the service that submitted it', `update actions set caller = 'edge' where ${one}`],
  [
    'changed the time by a microsecond',
    `update actions set accepted_at = accepted_at + interval '1 microsecond' where ${one}`,
  ],
  ['removed an action', `delete from actions where ${one}`],
  [
    'added an action to a sealed batch',
    `insert into actions select position + 300, leaderboard, user_id, 'new', points, score_after, version, key_id,
       caller, accepted_at from actions where ${one}`,
  ],
  [
    'added an action outside all batches',
    `insert into actions select position + 900000000, leaderboard, user_id, 'new', points, score_after, version,
       key_id, caller, accepted_at from actions where ${one}`,
  ],
  [
    'added an action before the first batch',
    `insert into actions select -position, leaderboard, user_id, 'new', points, score_after, version, key_id,
       caller, accepted_at from actions where ${one}`,
  ],
  [
    'added an action to a link that does not exist',
    `insert into actions select 900000001, leaderboard, user_id, 'new', points, score_after, version, key_id,
       caller, accepted_at from actions where ${one}; insert into audit_batches values (900000000, 99999)`,
  ],
  ['took a batch out of its link', 'update audit_batches set seq = 1 where seq = 2'],
  [
    'removed a batch with its actions',
    `with gone as (delete from audit_batches where seq = 1 returning batch)
       delete from actions a using gone where a.position between gone.batch and gone.batch + 999`,
  ],
  ['removed a link', 'delete from audit_links where seq = 1'],
  ['changed a digest', `update audit_links set digest = sha256('x') where seq = 1`],
  ['forged a head', `update audit_links set head = sha256('x') where seq = 1`],
  [
    'cut the chain short with all that it sealed',
    `delete from actions a using audit_batches b
       where b.seq = (select max(seq) from audit_links) and a.position between b.batch and b.batch + 999;
     delete from audit_batches where seq = (select max(seq) from audit_links);
     delete from audit_links where seq = (select max(seq) from audit_links)`,
  ],
  [
    'erased a player without a link',
    `update audit_subjects set user_id = 'erased x', salt = null where user_id = 'p1';
     update actions set user_id = 'erased x' where user_id = 'p1'`,
  ],
];

describe('finds that the owner of the database', () => {
  const save = ['actions', 'audit_links', 'audit_batches', 'audit_subjects'];
  let head: { seq: bigint; head: Uint8Array };

  /** Bypasses every trigger, also the one that queues batches for sealing. */
  const tamper = async (change: string) => {
    await sql.unsafe(`begin; set local session_replication_role = replica; ${change}; commit`).simple();
  };

  beforeEach(async () => {
    head = await audit().getAuditHead({}, call);
    for (const table of save) await sql.unsafe(`create table kept_${table} as table ${table}`);
  });
  afterEach(async () => {
    await tamper(
      save.map((table) => `delete from ${table}; insert into ${table} table kept_${table}`).join(';'),
    );
    for (const table of save) await sql.unsafe(`drop table kept_${table}`);
    expect(await verdict(head)).toMatch(/^0 OK/);
  });

  it.each(TAMPERING)('%s', async (_, change) => {
    await tamper(change);
    expect(await verdict(head)).toMatch(/^1 DIFFERS: /);
  });
});

it('lets no role without such rights change a logged action, except by an erasure', async () => {
  for (const change of [
    `update actions set points = 1`,
    `update actions set user_id = 'p9' where user_id = 'p1'`,
    `update actions set user_id = 'erased 1'`,
    `delete from actions`,
    `truncate actions`,
    `update audit_links set actions = 0`,
    `delete from audit_links`,
    `truncate audit_links`,
  ]) {
    await expect(sql.unsafe(change)).rejects.toMatchObject({ code: '42501' });
  }
});

it('pages through links of more actions than one message holds', async () => {
  const submissions = Array.from({ length: 500 }, (_, n) => ({
    ...{ userId: `${'u'.repeat(120)}${n}`, actionId: randomUUID(), points: 1n },
  }));
  for (let n = 0; n < 5; n += 1) {
    const again = submissions.map((each) => ({ ...each, actionId: `${each.actionId}-${n}` }));
    await world.scoreAs('game').submitScores({ submissions: again }, call);
  }
  await untilSealed();
  let actions = 0;
  for await (const entry of readChain(audit())) if (entry.kind === 'action') actions += 1;
  expect(actions).toBe(2_710);
  expect(await verdict()).toMatch(/^0 OK: \d+ links seal 2710 actions/);
});
