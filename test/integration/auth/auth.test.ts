import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ActionVerdict_Status as Status } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { readKeys } from '../../../services/auth/keys/key-file.ts';
import { createServiceKey } from '../../../services/shared/identity/service-keys.ts';
import { createUserIdOf } from '../../../services/shared/tokens/players/player-id.ts';
import { MAX_SCORE } from '../../../services/shared/values/identifiers.ts';
import { patient, sentAgain } from '../../support/clients/sent-again.ts';
import { type AuthWorld, startAuthWorld } from '../../support/worlds/auth-world.ts';
import { outsideIssuer, POLICY } from '../../unit/auth/token-fixtures.ts';

const ACTION = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 100n };
const SOON = { limitMs: 30_000 };
const OUTSIDE_ID = createUserIdOf(Buffer.alloc(32))('ada');
const METHODS = {
  issueToken: { request: { userId: 'alice' }, allowed: ['game', 'cli'] },
  verifyToken: { request: { accessToken: 'x' }, allowed: ['edge', 'fanout', 'score', 'game', 'cli'] },
  getKeySet: { request: {}, allowed: ['edge', 'fanout', 'score', 'game', 'cli'] },
  getSubjectKeys: { request: { issuers: ['https://idp.example'] }, allowed: ['edge', 'fanout', 'game'] },
  resolvePlayer: {
    request: { outside: { issuer: 'https://idp.example', subject: 'x' } },
    allowed: ['game', 'cli'],
  },
  recordNames: {
    request: { names: [{ userId: OUTSIDE_ID, username: 'Ada' }] },
    allowed: ['edge', 'fanout', 'game'],
  },
  signAction: { request: { action: ACTION }, allowed: ['game', 'cli'] },
  signActions: { request: { actions: [ACTION] }, allowed: ['game', 'cli'] },
  verifyActions: { request: { actions: [{ action: ACTION, signature: 'x' }] }, allowed: ['score'] },
} as const;
type Method = keyof typeof METHODS;
/** Refusals of the sample requests; the others are answered. */
const REFUSALS: Partial<Record<Method, string>> = {
  verifyToken: 'TOKEN_INVALID',
  resolvePlayer: 'ISSUER_UNKNOWN',
};
const methods = Object.keys(METHODS) as Method[];

let world: AuthWorld;
beforeAll(async () => {
  world = await startAuthWorld();
});
afterAll(() => world.stop());

/** A client that follows the retry rule. */
const as = (key: string) => patient(world.as(key));

type Call = (request: object, options: { limitMs: number }) => Promise<unknown>;

/** Calls a method with its sample request; resolves with the reason of the refusal, or with "answered". */
async function outcome(key: string, method: Method): Promise<string> {
  const call = as(key)[method] as Call;
  return call(METHODS[method].request, SOON).then(
    () => 'answered',
    (error: { reason: string }) => error.reason,
  );
}

describe.each(methods)('%s', (method) => {
  test('refuses a caller without a key, with a wrong key, or with a name that is no service', async () => {
    expect(await outcome('', method)).toBe('SERVICE_KEY_INVALID');
    expect(await outcome(createServiceKey('game'), method)).toBe('SERVICE_KEY_INVALID');
    expect(await outcome(createServiceKey('score').replace('score.', 'admin.'), method)).toBe(
      'SERVICE_KEY_INVALID',
    );
  });

  test("refuses a player's token in place of a key", async () => {
    const { accessToken } = await as('game').issueToken({ userId: 'alice' }, SOON);
    expect(await outcome(accessToken, method)).toBe('SERVICE_KEY_INVALID');
    expect(await outcome(`game.${accessToken}`, method)).toBe('SERVICE_KEY_INVALID');
  });

  test('serves exactly the services on its list', async () => {
    for (const name of world.serviceKeys.keys()) {
      const reason = await outcome(name, method);
      if ((METHODS[method].allowed as readonly string[]).includes(name)) {
        expect(reason).toBe(REFUSALS[method] ?? 'answered');
      } else {
        expect(reason).toBe('CALLER_NOT_ALLOWED');
      }
    }
  });

  test('answers within the deadline of the caller, or not at all', async () => {
    const call = world.as('score')[method] as Call;
    await expect(call(METHODS[method].request, { limitMs: 0 })).rejects.toMatchObject({
      reason: 'DEADLINE_EXCEEDED',
    });
  });
});

describe('an access token', () => {
  test('names the player, and is read back by the service that issued it', async () => {
    const { accessToken, expiresAt } = await as('game').issueToken(
      { userId: 'alice', username: 'Älice 🎮' },
      SOON,
    );
    const lifetimeS = Number(expiresAt?.seconds) - Date.now() / 1000;
    expect(lifetimeS).toBeGreaterThan(595);
    expect(lifetimeS).toBeLessThanOrEqual(600);
    const verified = await as('edge').verifyToken({ accessToken }, SOON);
    expect(verified).toMatchObject({ userId: 'alice', username: 'Älice 🎮', issuer: 'scoreboard' });
    expect(verified.expiresAt?.seconds).toBe(expiresAt?.seconds);
  });

  test('has a new id each time', async () => {
    const ids = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      const { accessToken } = await as('cli').issueToken({ userId: 'alice' }, SOON);
      ids.add((await as('cli').verifyToken({ accessToken }, SOON)).tokenId);
    }
    expect(ids.size).toBe(20);
  });

  test('goes by the user id, cut to the length of a name, when no name is given', async () => {
    const userId = 'u'.repeat(128);
    const { accessToken } = await as('game').issueToken({ userId }, SOON);
    const verified = await as('game').verifyToken({ accessToken }, SOON);
    expect(verified).toMatchObject({ userId, username: 'u'.repeat(32) });
  });

  test.each([
    ['an empty user id', { userId: '' }, 'USER_ID_INVALID'],
    ['a user id of 129 characters', { userId: 'u'.repeat(129) }, 'USER_ID_INVALID'],
    ['a user id with a space', { userId: 'al ice' }, 'USER_ID_INVALID'],
    ['a user id beyond ASCII', { userId: 'jörg' }, 'USER_ID_INVALID'],
    ['a name of 33 characters', { userId: 'u', username: 'n'.repeat(33) }, 'USERNAME_INVALID'],
    ['a name with a direction mark', { userId: 'u', username: 'a\u202eb' }, 'USERNAME_INVALID'],
    ['a name with a space in front', { userId: 'u', username: ' a' }, 'USERNAME_INVALID'],
    ['a name that shows nothing', { userId: 'u', username: '\u3164' }, 'USERNAME_INVALID'],
  ])('is not issued for %s', async (_, request, reason) => {
    await expect(as('game').issueToken(request, SOON)).rejects.toMatchObject({ reason });
  });

  test.each(['', 'x', 'a.b.c', 'x'.repeat(8_000)])('is refused when it is %j', async (accessToken) => {
    await expect(as('edge').verifyToken({ accessToken }, SOON)).rejects.toMatchObject({
      reason: 'TOKEN_INVALID',
    });
  });
});

test('a profile that Postgres refuses fails its own token alone, with a reason of its own', async () => {
  await world.sql.unsafe(`
    create function refuse_name() returns trigger language plpgsql as $$ begin
      raise exception 'invalid byte sequence' using errcode = '22021';
    end $$;
    create trigger refuse_name before insert on players for each row
      when (new.username = 'odd') execute function refuse_name()`);
  const names = Array.from({ length: 30 }, (_, n) => (n === 11 ? 'odd' : `name ${n}`));
  const answers = await Promise.all(
    names.map((username, n) =>
      as('game')
        .issueToken({ userId: `named-${n}`, username }, SOON)
        .then(
          () => 'issued',
          (error: { reason: string }) => error.reason,
        ),
    ),
  );
  expect(answers).toEqual(names.map((name) => (name === 'odd' ? 'VALUE_UNSTORABLE' : 'issued')));
  await world.sql`drop trigger refuse_name on players`;
});

describe("a player's profile", () => {
  const profile = async (userId: string) => {
    const [row] = await world.sql<{ username: string; version: string }[]>`
      select username, xmin::text || '/' || xmax::text as version from players where user_id = ${userId}`;
    return row;
  };
  const issue = (userId: string, username = '') => as('game').issueToken({ userId, username }, SOON);

  test('is recorded with the token, and renamed with a later one', async () => {
    await issue('bob');
    expect(await profile('bob')).toMatchObject({ username: 'bob' });
    await issue('bob', 'Bob "the\\ {quote},');
    expect(await profile('bob')).toMatchObject({ username: 'Bob "the\\ {quote},' });
  });

  test('is not written, nor even locked, when nothing changed', async () => {
    await issue('carol', 'Carol');
    const before = await profile('carol');
    await issue('carol', 'Carol');
    expect(await profile('carol')).toEqual(before);
  });

  test('is recorded once for many tokens at the same time', async () => {
    const client = as('game');
    const calls = Array.from({ length: 600 }, (_, index) =>
      client.issueToken({ userId: `many${index % 50}`, username: `name${index % 3}` }, SOON),
    );
    await Promise.all(calls);
    const [row] = await world.sql<{ players: bigint }[]>`
      select count(*) as players from players where user_id like 'many%'`;
    expect(row?.players).toBe(50n);
  });
});

describe('action signatures', () => {
  const signAll = (actions: object[]) => as('game').signActions({ actions }, SOON);
  const judge = async (actions: object[]) =>
    (await as('score').verifyActions({ actions }, SOON)).verdicts.map(({ status }) => status);

  test('are valid for a thousand actions at once, in order, and not for one another', async () => {
    const actions = Array.from({ length: 1000 }, (_, index) => ({
      ...ACTION,
      actionId: `a${index}`,
      points: BigInt(index),
    }));
    const { signatures } = await signAll(actions);
    const pair = (shift: number) =>
      actions.map((action, index) => ({
        action,
        signature: signatures[(index + shift) % 1000]?.signature ?? '',
      }));
    expect(new Set(await judge(pair(0)))).toEqual(new Set([Status.VALID]));
    expect(new Set(await judge(pair(1)))).toEqual(new Set([Status.INVALID]));
  });

  test('cover the largest values, and the default board by either name', async () => {
    const action = {
      leaderboard: 'b'.repeat(64),
      userId: '~'.repeat(128),
      actionId: '-'.repeat(64),
      points: MAX_SCORE,
    };
    const { signature } = await as('cli').signAction({ action }, SOON);
    expect(await judge([{ action, signature }])).toEqual([Status.VALID]);
    const unnamed = { ...ACTION, leaderboard: '' };
    const signed = await as('cli').signAction({ action: unnamed }, SOON);
    expect(await judge([{ action: ACTION, signature: signed.signature }])).toEqual([Status.VALID]);
  });

  test.each([
    ['an empty action id', { actionId: '' }, 'ACTION_ID_INVALID'],
    ['an action id of 65 characters', { actionId: 'a'.repeat(65) }, 'ACTION_ID_INVALID'],
    ['an action id with a dot', { actionId: 'a.1' }, 'ACTION_ID_INVALID'],
    ['a leaderboard of 65 characters', { leaderboard: 'b'.repeat(65) }, 'LEADERBOARD_INVALID'],
    ['a user id with a line feed', { userId: 'alice\na1' }, 'USER_ID_INVALID'],
    ['points above 2^53-1', { points: MAX_SCORE + 1n }, 'POINTS_INVALID'],
  ])('are not made for %s, alone or in a batch', async (_, change, reason) => {
    const action = { ...ACTION, ...change };
    await expect(as('game').signAction({ action }, SOON)).rejects.toMatchObject({ reason });
    await expect(signAll([ACTION, action])).rejects.toMatchObject({ reason });
    expect(await judge([{ action, signature: 'x' }])).toEqual([Status.INVALID]);
  });

  test('are made and judged in batches of 1 to 1,000', async () => {
    const reason = 'BATCH_SIZE_INVALID';
    const many = Array.from({ length: 1001 }, () => ACTION);
    await expect(signAll([])).rejects.toMatchObject({ reason });
    await expect(signAll(many)).rejects.toMatchObject({ reason });
    await expect(judge([])).rejects.toMatchObject({ reason });
    await expect(judge(many.map((action) => ({ action, signature: '' })))).rejects.toMatchObject({ reason });
  });

  test('expire', async () => {
    const { signature, expiresAt } = await as('game').signAction({ action: ACTION }, SOON);
    const signed = [{ action: ACTION, signature }];
    expect(await judge(signed)).toEqual([Status.VALID]);
    world.clock.aheadMs = Number(expiresAt?.seconds) * 1000 - Date.now();
    try {
      expect(await judge(signed)).toEqual([Status.EXPIRED]);
    } finally {
      world.clock.aheadMs = 0;
    }
  });

  test('of the literal v0 form count only when the operator allows them', async () => {
    const [key] = readKeys(world.keysDir, 'action');
    const mac = createHmac('sha256', Buffer.from(String(key?.jwk.k), 'base64url'))
      .update('a10')
      .digest('hex');
    const colliding = [
      { action: { ...ACTION, actionId: 'a1', points: 0n }, signature: `v0.${key?.kid}.${mac}` },
      { action: { ...ACTION, actionId: 'a', points: 10n }, signature: `v0.${key?.kid}.${mac}` },
    ];
    expect(await judge(colliding)).toEqual([Status.INVALID, Status.INVALID]);
    await world.restart({ allowV0Signatures: true });
    expect(await judge(colliding)).toEqual([Status.VALID, Status.VALID]);
    await world.restart();
    expect(await judge(colliding)).toEqual([Status.INVALID, Status.INVALID]);
  });
});

describe('the side door', () => {
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${world.auth.adminPort}${path}`);
    return { status: response.status, body: await response.text() };
  };

  test('is ready with keys and a database, and counts what was done', async () => {
    const { accessToken } = await as('game').issueToken({ userId: 'alice' }, SOON);
    const { signature } = await as('game').signAction({ action: ACTION }, SOON);
    await as('score').verifyActions({ actions: [{ action: ACTION, signature }] }, SOON);
    expect(accessToken).not.toBe('');
    expect(await get('/readyz')).toEqual({
      status: 200,
      body: '{"status":"ready","checks":{"keys":true},"dependencies":{"database":true,"subjectKey":true,"keyFiles":true,"revocations":true}}',
    });
    const { body } = await get('/metrics');
    for (const line of [
      /^auth_tokens_issued_total\{.*\} [1-9]/m,
      /^auth_actions_signed_total\{.*\} [1-9]/m,
      /^auth_actions_verified_total\{.*status="valid".*\} [1-9]/m,
      /^auth_batch_size_count\{.*work="verify".*\} [1-9]/m,
    ]) {
      expect(line.test(body), String(line)).toBe(true);
    }
  });
});

test('keys of user ids are given again after a restart, and never from a key that the database does not know', async () => {
  const issuer = 'https://idp.example';
  const tokenPolicy = { ...POLICY, outside: [outsideIssuer({ issuer, jwksUrl: 'http://127.0.0.1:9/' })] };
  const ask = async () => (await world.as('edge').getSubjectKeys({ issuers: [issuer] }, SOON)).keys;
  await world.restart({ tokenPolicy });
  const keys = await sentAgain(ask);
  expect(keys.map(({ length }) => length)).toEqual([32]);
  await world.restart({ tokenPolicy });
  expect(await sentAgain(ask)).toEqual(keys);
  rmSync(join(world.keysDir, 'subject-key.json'));
  await world.restart({ tokenPolicy });
  await expect(ask()).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
});
