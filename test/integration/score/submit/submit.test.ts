/** Accepting scores, through two real score services: exactly once, whatever is sent, and by services only. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectPostgres, type Sql } from '../../../../services/shared/stores/postgres/postgres.ts';
import { isSentAgain, patient } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import {
  reasonOf,
  reasonsOf,
  type SignedSubmission,
  signedSubmission,
} from '../../../support/worlds/score/score-calls.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/worlds/score/score-world.ts';

const MAX_SCORE = 2n ** 53n - 1n;
const call = { limitMs: 30_000 };

let world: ScoreWorld;
let sql: Sql;

beforeAll(async () => {
  world = await startScoreWorld({ scoreServices: 2, rankServices: 2 });
  sql = connectPostgres({
    url: world.databaseUrl,
    connections: 2,
    applicationName: 'test',
    statementTimeoutMs: 30_000,
  });
});

afterAll(async () => {
  await sql?.end();
  await world?.stop();
});

const signed = (userId: string, actionId: string, points: bigint, leaderboard?: string) =>
  signedSubmission(world, userId, actionId, points, leaderboard);
const submit = async (submission: SignedSubmission, scoreService = 0) =>
  (await world.scoreAs('edge', scoreService).submitScore({ submission }, call)).accepted;

it('counts a signed action, answers with score, rank and version, and adds it to the audit log', async () => {
  const first = await signed('ada', 'ada-1', 40n);
  expect(await submit(first)).toMatchObject({ newScore: 40n, rank: 1n, version: 1n, replayed: false });
  expect(await submit(await signed('ada', 'ada-2', 2n))).toMatchObject({ newScore: 42n, version: 2n });
  const rows =
    await sql`select action_id, points, score_after, version, key_id, caller from actions where user_id = 'ada' order by position`;
  expect(rows).toMatchObject([
    { action_id: 'ada-1', points: 40n, score_after: 40n, version: 1n, caller: 'edge' },
    { action_id: 'ada-2', points: 2n, score_after: 42n, version: 2n, caller: 'edge' },
  ]);
  expect(rows[0]?.key_id).toBe(first.signature.split('.')[1]);
});

it('answers a repeat with the first answer, and refuses the same id with other contents', async () => {
  const action = await signed('bob', 'bob-1', 7n);
  await submit(action);
  await submit(await signed('bob', 'bob-2', 1n));
  expect(await submit(action)).toMatchObject({ newScore: 7n, version: 1n, replayed: true });
  expect(await reasonOf(submit(await signed('bob', 'bob-1', 8n)))).toBe('ACTION_CONFLICT');
  expect(await reasonOf(submit(await signed('bob', 'bob-1', 7n, 'weekly')))).toBe('ACTION_CONFLICT');
  expect(await sql`select points, version from scores where user_id = 'bob'`).toMatchObject([
    { points: 8n, version: 2n },
  ]);
});

it('has one effect when a hundred repeats arrive at once through two services', async () => {
  const action = await signed('carl', 'carl-1', 5n);
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => submit(action, n % 2)));
  expect(new Set(answers.map((answer) => `${answer?.newScore} ${answer?.version}`))).toEqual(
    new Set(['5 1']),
  );
  expect(answers.filter((answer) => answer?.replayed === false)).toHaveLength(1);
  expect(await sql`select points, version from scores where user_id = 'carl'`).toMatchObject([
    { points: 5n, version: 1n },
  ]);
});

it('a value that Postgres refuses fails its own action alone, with a reason of its own', async () => {
  await sql.unsafe(`
    create function refuse_value() returns trigger language plpgsql as $$ begin
      raise exception 'refused' using table = 'scores', errcode = case
        when new.action_id like 'odd%' then '22021' when new.action_id like 'twin%' then '23505' else 'P0001' end;
    end $$;
    create trigger refuse_value before insert on actions for each row
      when (new.action_id ~ '^(odd|rule|twin)') execute function refuse_value()`);
  const ids = Array.from({ length: 40 }, (_, n) =>
    n === 17 ? 'odd' : n === 31 ? 'rule' : n === 5 ? 'twin' : `fine-${n}`,
  );
  const submissions = ids.map((actionId, n) => ({ userId: `kim${n % 3}`, actionId, points: 1n }));
  // What a busy machine did not decide in time is sent again, and counts once.
  const told = await waitFor(async () => {
    const { outcomes } = await world.scoreAs('game').submitScores({ submissions }, call);
    const words = outcomes.map(({ result }) => (result.case === 'refused' ? result.value.reason : 'counted'));
    return words.some(isSentAgain) ? undefined : words;
  });
  expect(told).toEqual(
    ids.map((id) => ({ odd: 'VALUE_UNSTORABLE', rule: 'INTERNAL', twin: 'INTERNAL' })[id] ?? 'counted'),
  );
  expect(await sql`select from actions where user_id like 'kim%'`).toHaveLength(37);
  await sql`drop trigger refuse_value on actions`;
});

it.each([
  ['of another player', { userId: 'mallory' }],
  ['with other points', { points: 1_000_000n }],
  ['with another action id', { actionId: 'dora-2' }],
  ['for another board', { leaderboard: 'weekly' }],
  ['that is no signature', { signature: 'v1.k.1.x' }],
  ['of the wrong form', { signature: 'forged' }],
])('refuses a signature %s', async (_, change) => {
  const action = { ...(await signed('dora', 'dora-1', 3n)), ...change };
  expect(await reasonOf(submit(action))).toBe('SIGNATURE_INVALID');
  expect(await sql`select from scores where user_id in ('dora', 'mallory')`).toHaveLength(0);
});

it.each([
  ['LEADERBOARD_INVALID', { leaderboard: 'no spaces' }],
  ['LEADERBOARD_INVALID', { leaderboard: 'x'.repeat(65) }],
  ['USER_ID_INVALID', { userId: '' }],
  ['USER_ID_INVALID', { userId: 'with space' }],
  ['USER_ID_INVALID', { userId: 'x'.repeat(129) }],
  ['ACTION_ID_INVALID', { actionId: '' }],
  ['ACTION_ID_INVALID', { actionId: 'x'.repeat(65) }],
  ['ACTION_ID_INVALID', { actionId: 'line\nfeed' }],
  ['POINTS_INVALID', { points: MAX_SCORE + 1n }],
  ['SIGNATURE_REQUIRED', { signature: '' }],
])('refuses bad input with %s', async (reason, change) => {
  const action = { ...(await signed('eve', 'eve-1', 3n)), ...change };
  expect(await reasonOf(submit(action))).toBe(reason);
});

it('accepts values at their limits', async () => {
  const [userId, actionId, leaderboard] = ['u'.repeat(128), 'a'.repeat(64), 'b'.repeat(64)];
  expect(await submit(await signed(userId, actionId, MAX_SCORE, leaderboard))).toMatchObject({
    newScore: MAX_SCORE,
  });
  expect(await reasonOf(submit(await signed(userId, 'one-more', 1n, leaderboard)))).toBe(
    'SCORE_LIMIT_REACHED',
  );
  expect(await submit(await signed(userId, 'zero', 0n, leaderboard))).toMatchObject({
    newScore: MAX_SCORE,
    version: 2n,
  });
});

it('gives each submission of a batch its own outcome, in order', async () => {
  const good = await signed('fay', 'fay-1', 10n);
  const again = await signed('fay', 'fay-2', 20n);
  const submissions = [
    good,
    { ...good, points: 11n },
    again,
    good,
    await signed('fay', 'fay-1', 12n),
    { ...good, actionId: '' },
  ];
  const { outcomes, boards } = await world.scoreAs('edge').submitScores({ submissions }, call);
  expect(reasonsOf(outcomes)).toEqual([
    'accepted',
    'SIGNATURE_INVALID',
    'accepted',
    'accepted',
    'ACTION_CONFLICT',
    'ACTION_ID_INVALID',
  ]);
  expect(outcomes[2]?.result.value).toMatchObject({ newScore: 30n, version: 2n });
  expect(outcomes[3]?.result.value).toMatchObject({ newScore: 10n, version: 1n, replayed: true });
  expect(boards).toMatchObject([{ leaderboard: 'global' }]);
});

it('refuses an empty batch and one beyond the limit', async () => {
  expect(await reasonOf(world.scoreAs('edge').submitScores({ submissions: [] }, call))).toBe(
    'BATCH_SIZE_INVALID',
  );
  const submissions = Array.from({ length: 501 }, () => ({ userId: 'x' }));
  expect(await reasonOf(world.scoreAs('edge').submitScores({ submissions }, call))).toBe(
    'BATCH_SIZE_INVALID',
  );
});

it('accepts an unsigned action of a service that may sign, and of no other', async () => {
  const submission = { userId: 'gus', actionId: 'gus-1', points: 4n };
  expect(await reasonOf(world.scoreAs('edge').submitScore({ submission }, call))).toBe('SIGNATURE_REQUIRED');
  const { accepted } = await world.scoreAs('game').submitScore({ submission }, call);
  expect(accepted).toMatchObject({ newScore: 4n });
  expect(await sql`select caller, key_id from actions where user_id = 'gus'`).toMatchObject([
    { caller: 'game', key_id: '' },
  ]);
});

it('answers DEADLINE_EXCEEDED when the caller has no time', async () => {
  const action = await signed('hal', 'hal-1', 1n);
  expect(await reasonOf(world.scoreAs('edge').submitScore({ submission: action }, { limitMs: 0 }))).toBe(
    'DEADLINE_EXCEEDED',
  );
});

it('has an audit log that refuses update, delete and truncate', async () => {
  for (const statement of ['update actions set points = 0', 'delete from actions', 'truncate actions']) {
    await expect(sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' });
  }
});

const calls = {
  submitScore: (key: string) => world.scoreWithKey(key).submitScore({ submission: {} }, call),
  submitScores: (key: string) => world.scoreWithKey(key).submitScores({ submissions: [] }, call),
  getTop: (key: string) => world.rankWithKey(key).getTop({}, call),
  getRank: (key: string) => world.rankWithKey(key).getRank({ userId: 'ada' }, call),
  listAround: (key: string) => world.rankWithKey(key).listAround({ userId: 'ada' }, call),
  projectStates: (key: string) => world.rankWithKey(key).projectStates({}, call),
  getPlaces: (key: string) => world.rankWithKey(key).getPlaces({ queries: [{ userId: 'ada' }] }, call),
};

it.each(Object.entries(calls))('%s needs the key of a service that is allowed', async (method, invoke) => {
  expect(await reasonOf(invoke(''))).toBe('SERVICE_KEY_INVALID');
  expect(await reasonOf(invoke('edge.wrong'))).toBe('SERVICE_KEY_INVALID');
  const { accessToken } = await patient(world.authAs('game')).issueToken({ userId: 'ada' }, call);
  expect(await reasonOf(invoke(accessToken))).toBe('SERVICE_KEY_INVALID');
  expect(await reasonOf(invoke(world.serviceKeys.auth))).toBe('CALLER_NOT_ALLOWED');
  const forFanout = await reasonOf(invoke(world.serviceKeys.fanout));
  expect(forFanout === 'CALLER_NOT_ALLOWED').toBe(/^(?:submit|project)/.test(method));
});
