/** Corrections in the audit log: the chain proves them, whoever changes them is found, and an erasure takes the reasons. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatAuditLine, parseAuditLines } from '../../../../services/cli/audit/export-lines.ts';
import { readChain } from '../../../../services/cli/audit/read-chain.ts';
import { verifyStack } from '../../../../services/cli/audit/verify.ts';
import { type AuditEntry, verifyChain } from '../../../../services/cli/audit/verify-chain.ts';
import { sqlCode } from '../../../../services/shared/stores/postgres/postgres.ts';
import { patient } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import {
  type CorrectionsWorld,
  startCorrectionsWorld,
} from '../../../support/worlds/score/corrections-world.ts';
import { action } from '../../../support/worlds/score/limits-world.ts';

const call = { limitMs: 30_000 };
let world: CorrectionsWorld;

beforeAll(async () => {
  world = await startCorrectionsWorld();
  const board = await world.createBoard({ operator: 'sum', order: 'descending' });
  await world.submitted(board, 'ada', [action('a1', 5n), action('a2', 6n)]);
  await world.submitted(board, 'bob', [action('b1', 5n)]);
  await world.corrected(board, 'ada', { case: 'adjustBy', value: -2n });
  await world.corrected('', 'ada', { case: 'voidAction', value: 'a2' });
  await world.corrected(board, 'bob', { case: 'setTo', value: 9n });
  await world.corrected(board, 'bob', { case: 'remove', value: true });
  await untilSealed();
});
afterAll(() => world?.stop());

const audit = () => patient(world.auditAs('cli'));
const untilSealed = () =>
  waitFor(async () => (await audit().getAuditHead({}, call)).unsealedBatches === 0n || undefined);

async function verdict(): Promise<string> {
  const pieces: string[] = [];
  const options = { key: world.auditKey, expected: undefined };
  const code = await verifyStack(audit(), options, async (text) => void pieces.push(text));
  return `${code} ${pieces.join('')}`;
}

async function exported(): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of readChain(audit())) lines.push(formatAuditLine(entry));
  return lines;
}

async function* parsed(lines: readonly string[]): AsyncGenerator<AuditEntry> {
  yield* parseAuditLines(
    (async function* () {
      yield* lines;
    })(),
  );
}

it('are sealed with who, what, before and after, in an export too', async () => {
  expect(await verdict()).toMatch(/^0 OK: \d+ links seal 7 actions/);
  const lines = await exported();
  const entries = lines.flatMap((line) => JSON.parse(line).action?.correction ?? []);
  expect(entries).toMatchObject([
    { kind: 'adjust', amount: '-2', reason: 'a test', operator: 'otto', scoreBefore: '11', scoreAfter: '9' },
    { kind: 'void', actionId: 'a2', scoreBefore: '9', scoreAfter: '3' },
    { kind: 'set', amount: '9', scoreBefore: '5', scoreAfter: '9' },
    { kind: 'remove', scoreBefore: '9' },
  ]);
  const options = { key: world.auditKey, expected: undefined };
  expect(await verifyChain(parsed(lines), options)).toMatchObject({ actions: 7 });
  const forged = lines.map((line) => line.replace('"amount":"-2"', '"amount":"-1"'));
  await expect(verifyChain(parsed(forged), options)).rejects.toThrow('is not as it was sealed');
});

it.each([
  ['changed what was added', `update corrections set amount = -1 where kind = 'adjust'`],
  ['changed the reason', `update corrections set reason = 'another' where kind = 'set'`],
  ['changed who asked', `update corrections set operator = 'eve' where kind = 'set'`],
  ['changed the score after', `update corrections set score_after = 7 where kind = 'set'`],
  ['changed the action taken back', `update corrections set action_id = 'a1' where kind = 'void'`],
  ['gave a correction to another player', `update corrections set user_id = 'cy' where kind = 'void'`],
  ['removed a correction', `delete from corrections where kind = 'remove'`],
  [
    'added a correction without a ledger entry',
    `insert into corrections select 'new', position + 5, leaderboard, user_id, kind, amount, 'a1', reason, reason_digest,
       operator, score_before, score_after from corrections where kind = 'void'`,
  ],
])('an owner of the database who %s is found', async (_, change) => {
  const tamper = (...changes: string[]) =>
    world.sql.begin(async (sql) => {
      for (const each of ['set local session_replication_role = replica', ...changes]) await sql.unsafe(each);
    });
  await world.sql`create table kept_corrections as table corrections`;
  await tamper(change);
  expect(await verdict()).toMatch(/^1 DIFFERS: /);
  await tamper('delete from corrections', 'insert into corrections table kept_corrections');
  await world.sql`drop table kept_corrections`;
  expect(await verdict()).toMatch(/^0 OK/);
});

it('are append-only', async () => {
  for (const change of [
    `update corrections set amount = 1`,
    `update corrections set reason = null`,
    `update corrections set user_id = 'erased 1', reason = null`,
    'delete from corrections',
    'truncate corrections',
  ]) {
    await expect(world.sql.unsafe(change).catch(sqlCode), change).resolves.toBe('42501');
  }
});

it('lose their reasons when the player is erased, and the chain still proves the rest', async () => {
  await audit().erasePlayer({ userId: 'ada' }, call);
  await untilSealed();
  expect(await verdict()).toMatch(/^0 OK: \d+ links seal 7 actions, 1 players erased/);
  expect(await world.sql`select 1 from corrections where user_id = 'ada'`).toHaveLength(0);
  expect(await world.sql`select 1 from corrections where reason is null`).toHaveLength(2);
});
