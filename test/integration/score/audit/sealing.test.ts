/** Sealing a real log: nothing is left out or sealed twice, in whatever order batches commit. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyChain } from '../../../../services/cli/audit/verify-chain.ts';
import { createErasureStore } from '../../../../services/score/audit/erasure-store.ts';
import { createResealActions } from '../../../../services/score/audit/reseal-actions.ts';
import { nextLink } from '../../../../services/score/audit/seal-actions.ts';
import { DIGEST_OF_NONE, encodeAuditAction } from '../../../../services/shared/audit-chain/audit-chain.ts';
import { isOwnChain } from '../../../../services/shared/audit-chain/own-chain.ts';
import { readAsHex } from '../../../../services/shared/audit-chain/truncated-link.ts';
import { connectPostgres } from '../../../../services/shared/stores/postgres/postgres.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type AuditWorld, startAuditWorld } from '../../../support/worlds/audit-world.ts';

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

it('seals a batch once that commits after others with greater positions', async () => {
  const slow = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'slow', statementTimeoutMs: 30_000 },
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

it('makes one chain when several processes seal and commit, and one of them is cut off', async () => {
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

it('seals a batch whose players were all left out, and the chain verifies', async () => {
  await world.accept(['full'], 'f1', 2n ** 53n - 1n);
  await world.sealAll();
  await world.accept(['full'], 'f2');
  await world.sealAll();
  expect((await world.store.links(0n, 10_000)).at(-1)?.actions).toBe(0n);
  await world.accept(['full'], 'f3', 0n);
  await world.sealAll();
  await expect(verifyChain(chainOf(world), { key: world.key, expected: undefined })).resolves.toBeDefined();
});

it('hashes in Postgres exactly what a verifier hashes, whatever the fields contain', async () => {
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

it('seals the actions of a truncated link again, as a server with bytea_output = escape left it', async () => {
  const { store, key } = world;
  await world.accept(['ivy', 'jo'], 't1');
  const before = await store.head();
  const found = await store.candidates(40);
  if (found === undefined) throw new Error('nothing waits');
  const contents = { actions: found.actions, digest: readAsHex(found.digest), erased: new Uint8Array() };
  const link = nextLink(key, { ...before, head: readAsHex(before.head) }, contents);
  expect(await store.append(link, before, found.batches)).toBe(true);
  expect(isOwnChain(await store.end(), key)).toBe(true);
  const verified = () => verifyChain(chainOf(world), { key, expected: undefined });
  expect((await verified()).truncated).toEqual([{ seq: link.seq, isSealedAgain: false }]);
  const reseal = createResealActions({ store, log: createSilentLog() });
  await reseal();
  expect((await store.backlog()).batches).toBe(1);
  await world.sealAll();
  expect((await verified()).truncated).toEqual([{ seq: link.seq, isSealedAgain: true }]);
  expect(await store.truncated(10)).toEqual([]);
});

async function* chainOf({ store }: AuditWorld) {
  for (const link of await store.links(0n, 100_000)) {
    yield { kind: 'link' as const, link };
    for (const action of await store.actions(link.seq, 0n, 100_000))
      yield { kind: 'action' as const, action };
  }
}

it('makes no link after a head that is not in the chain, as after a failover that lost links', async () => {
  await world.accept(['eve'], 'f1');
  await world.sealAll();
  const { store, key } = world;
  const head = await store.head();
  const contents = { actions: 0n, digest: DIGEST_OF_NONE, erased: new Uint8Array() };
  const lost = nextLink(key, head, contents);
  const rival = { seq: head.seq, head: nextLink(key, head, { ...contents, actions: 1n }).head };
  const eraser = createErasureStore(world.pool);
  for (const before of [lost, rival]) {
    const link = nextLink(key, before, contents);
    expect(await store.append(link, before, [])).toBe(false);
    expect(await eraser.erase('eve', link, before)).toBeUndefined();
  }
  expect(await store.head()).toEqual(head);
  expect(await world.sql`select from scores where user_id = 'eve'`).toHaveLength(1);
  expect(await store.append(lost, head, [])).toBe(true);
  expect(await store.append(lost, head, [])).toBe(false);
});
