/** The chain over a real log: nothing is left out or sealed twice, whatever commits when; what is changed later is found. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyStack } from '../../../../services/cli/audit-verify.ts';
import { readChain } from '../../../../services/cli/read-chain.ts';
import { verifyChain } from '../../../../services/cli/verify-chain.ts';
import { encodeAuditAction } from '../../../../services/shared/audit-chain/audit-chain.ts';
import { connectPostgres } from '../../../../services/shared/stores/postgres.ts';
import { type AuditWorld, startAuditWorld } from '../../../support/audit-world.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/score-world.ts';
import { waitFor } from '../../../support/wait-for.ts';

const call = { deadlineMs: 5_000 };

describe('sealing', () => {
  let world: AuditWorld;
  beforeAll(async () => {
    world = await startAuditWorld();
  });
  afterAll(() => world?.stop());

  const sealedActions = async () => {
    const [row] = await world.sql<{ sealed: number; written: number; twice: number }[]>`
      select (select coalesce(sum(actions), 0)::int from audit_links) as sealed,
             (select count(*)::int from actions) as written,
             (select count(*)::int - count(distinct seq)::int from audit_links) as twice`;
    return row;
  };

  it('takes a batch that commits after others with greater positions, once', async () => {
    const slow = connectPostgres({
      ...{ url: world.databaseUrl, connections: 1, applicationName: 'slow', statementTimeoutMs: 10_000 },
    });
    await slow`begin`;
    await slow`
      insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller)
      values (nextval('action_positions') + 1, 'global', 'slow', 's1', 1, 1, 1, 'k1', 'edge')`;
    await world.accept(['ada', 'bob'], 'b1');
    await world.sealAll();
    expect(await sealedActions()).toEqual({ sealed: 2, written: 2, twice: 0 });
    await slow`commit`;
    await slow.end();
    await world.sealAll();
    expect(await sealedActions()).toEqual({ sealed: 3, written: 3, twice: 0 });
  });

  it('costs the same however many players and batches were sealed before', async () => {
    const { sql } = world;
    await sql`insert into audit_batches (batch) select -n from generate_series(1, 20000) n`;
    await sql`update audit_batches set seq = 0 where batch < 0`;
    await world.accept(['cy'], 'd0');
    await world.sealAll();
    const [{ last } = { last: 0n }] = await sql<{ last: bigint }[]>`
      select pg_sequence_last_value('action_positions') as last`;
    for (let batch = 0; batch < 40; batch += 1) await world.accept(['cy', 'dan'], `d1-${batch}`);
    const pagesRead = async () => {
      type Explained = { Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }[];
      const [row] = await sql<{ 'QUERY PLAN': Explained }[]>`
        explain (analyze, buffers, format json) select audit_candidates(40, ${last}::bigint)`;
      const plan = row?.['QUERY PLAN'][0]?.Plan;
      return (plan?.['Shared Hit Blocks'] ?? Infinity) + (plan?.['Shared Read Blocks'] ?? Infinity);
    };
    // The first calls of a session are planned for what they are given, the later ones once for all: here, for few players.
    for (let call = 0; call < 8; call += 1) await pagesRead();
    await sql`
      insert into audit_subjects (user_id, salt, commitment)
      select 'long ago ' || n, '\\x00', sha256('') from generate_series(1, 20000) n`;
    const playersRead = await sql.begin(async (transaction) => {
      await transaction`select audit_candidates(40, ${last}::bigint)`;
      const [row] = await transaction<{ rows: number }[]>`
        select seq_tup_read::int as rows from pg_stat_xact_user_tables where relname = 'audit_subjects'`;
      return row?.rows;
    });
    expect(playersRead).toBeLessThan(1_000);
    expect(await pagesRead()).toBeLessThan(1_000);
    expect(await world.store.backlog(last)).toMatchObject({ batches: 40 });
    await world.sealAll();
    await sql`delete from audit_batches where batch < 0`;
    expect(await world.store.backlog(last)).toMatchObject({ batches: 0 });
  });

  it('makes one chain when several processes seal while several commit, and one of them is cut off', async () => {
    const sealers = [world.createSealer(), world.createSealer(), world.createSealer()];
    for (const sealer of sealers) sealer.start();
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let n = 0; n < 40; n += 1) await world.accept([`w${writer}`, `v${writer}`], `c${writer}-${n}`);
    });
    const cutting = waitFor(async () => {
      const cut = await world.sql`
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where application_name = 'test' and pid <> pg_backend_pid() and query like '%audit_%'`;
      return cut.length > 0 || undefined;
    });
    // A writer that is cut as well loses the rest of its actions, not the chain.
    await Promise.allSettled(writers);
    expect(await cutting).toBe(true);
    // A look that shared a connection with what was cut is lost with it.
    await waitFor(() =>
      world.untilSealed().then(
        () => true,
        () => undefined,
      ),
    );
    await Promise.all(sealers.map((sealer) => sealer.stop()));
    const counts = await sealedActions();
    expect(counts?.sealed).toBe(counts?.written);
    const links = await world.store.links(0n, 10_000);
    expect(links.map(({ seq }) => seq)).toEqual(links.map((_, at) => BigInt(at + 1)));
  });

  it('takes a batch whose players were all left out, and the chain verifies', async () => {
    await world.accept(['full'], 'f1', 2n ** 53n - 1n);
    await world.sealAll();
    await world.accept(['full'], 'f2');
    await world.sealAll();
    expect((await world.store.links(0n, 10_000)).at(-1)?.actions).toBe(0n);
    await world.accept(['full'], 'f3', 0n);
    await world.sealAll();
    await expect(verifyChain(chainOf(world), { key: world.key, expected: undefined })).resolves.toBeDefined();
  });

  it('hashes in the database exactly what a verifier hashes, whatever the fields hold', async () => {
    const odd = ['é:😀', '12:x', '1\n2', '"', "'", '\\', ' ', 'x'.repeat(300)];
    for (const [at, text] of odd.entries()) {
      await world.sql`
        insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller,
                             accepted_at)
        values (nextval('action_positions') + ${at + 1}, ${text}, ${`odd${text}`}, ${text}, 9007199254740991, -1, 7,
                ${text}, ${text}, '2026-11-25 01:02:03.456789+00')`;
    }
    await world.sealAll();
    const audit = chainOf(world);
    await expect(verifyChain(audit, { key: world.key, expected: undefined })).resolves.toBeDefined();
    const encoded: string[] = [];
    for await (const entry of chainOf(world))
      if (entry.kind === 'action') encoded.push(encodeAuditAction(entry.action));
    for (const text of odd) expect(encoded.some((each) => each.includes(`:${text}`))).toBe(true);
  });
});

async function* chainOf({ store }: AuditWorld) {
  for (const link of await store.links(0n, 100_000)) {
    yield { kind: 'link' as const, link };
    for (const action of await store.actions(link.seq, 0n, 100_000))
      yield { kind: 'action' as const, action };
  }
}

describe('verifying a running service', () => {
  let world: ScoreWorld;
  let sql: ReturnType<typeof connectPostgres>;
  beforeAll(async () => {
    world = await startScoreWorld({ scoreServices: 2 });
    sql = connectPostgres({
      ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 10_000 },
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

  it('finds that two services which committed at once left one chain', async () => {
    const head = await audit().getAuditHead({}, call);
    expect(await verdict(head)).toMatch(/^0 OK: \d+ links seal 210 actions/);
    await expect(world.auditAs('edge').getAuditHead({}, call)).rejects.toMatchObject({
      reason: 'CALLER_NOT_ALLOWED',
    });
  });

  describe('after somebody with all rights in the database', () => {
    const save = ['actions', 'audit_links', 'audit_batches', 'audit_subjects'];
    let head: { seq: bigint; head: Uint8Array };

    /** Past every trigger, as only the owner of the server can; without them, nothing queues a batch for sealing either. */
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

    const one = `(user_id, action_id) = ('p1', 'a7')`;
    it.each([
      ['changed one bit of the points', `update actions set points = points # 1 where ${one}`],
      ['changed one bit of a score', `update actions set score_after = score_after # 4 where ${one}`],
      [
        'made points negative',
        `alter table actions drop constraint actions_points_check;
         update actions set points = -5 where ${one}`,
      ],
      ['changed a version', `update actions set version = version + 1 where ${one}`],
      ['moved an action within its batch', `update actions set position = position + 400 where ${one}`],
      ['moved an action to nowhere', `update actions set position = position / 1000 * 1000 where ${one}`],
      ['moved an action to another board', `update actions set leaderboard = 'weekly' where ${one}`],
      ['renamed an action', `update actions set action_id = 'b7' where ${one}`],
      ['gave an action to another player', `update actions set user_id = 'p9' where ${one}`],
      ['gave it to one of the others', `update actions set user_id = 'p2', action_id = 'x' where ${one}`],
      ['changed who vouched', `update actions set key_id = 'k2' where ${one}`],
      ['changed who handed it in', `update actions set caller = 'edge' where ${one}`],
      [
        'changed when by a microsecond',
        `update actions set accepted_at = accepted_at + interval '1 microsecond' where ${one}`,
      ],
      ['removed an action', `delete from actions where ${one}`],
      [
        'put an action into a sealed batch',
        `insert into actions select position + 300, leaderboard, user_id, 'new', points, score_after, version, key_id,
           caller, accepted_at from actions where ${one}`,
      ],
      [
        'put an action beside all batches',
        `insert into actions select position + 900000000, leaderboard, user_id, 'new', points, score_after, version,
           key_id, caller, accepted_at from actions where ${one}`,
      ],
      [
        'put an action before the first batch',
        `insert into actions select -position, leaderboard, user_id, 'new', points, score_after, version, key_id,
           caller, accepted_at from actions where ${one}`,
      ],
      [
        'put an action under a link that is not there',
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
        'made a player nameless by hand',
        `update audit_subjects set user_id = 'erased x', salt = null where user_id = 'p1';
         update actions set user_id = 'erased x' where user_id = 'p1'`,
      ],
    ])('%s', async (_, change) => {
      await tamper(change);
      expect(await verdict(head)).toMatch(/^1 DIFFERS: /);
    });
  });

  it('refuses every change of a logged action but an erasure, without such rights', async () => {
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
});
