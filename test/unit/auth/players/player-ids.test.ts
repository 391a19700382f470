import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createPlayerIds } from '../../../../services/auth/players/player-ids.ts';
import { createResolvePlayer } from '../../../../services/auth/players/resolve-player.ts';
import { fingerprintOf } from '../../../../services/auth/players/subject-key.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { createUserIdOf, subjectKeyOf } from '../../../../services/shared/tokens/players/player-id.ts';

const MASTER_KEY = Buffer.alloc(32, 7);
const OUTSIDE = [
  { issuer: 'a', subjects: 'derived' },
  { issuer: 'b', subjects: 'raw' },
] as const;
const ALICE = createUserIdOf(subjectKeyOf(MASTER_KEY, 'a'))('alice');

let kept: string | undefined;
let down: boolean;
const log = { error: vi.fn() };
const keep = vi.fn(async (fingerprint: string) => {
  if (down) throw new AppError('STORE_UNAVAILABLE');
  kept ??= fingerprint;
  return kept;
});
const start = () =>
  createPlayerIds({ masterKey: MASTER_KEY, outside: OUTSIDE, fingerprints: { keep }, log: log as never });

beforeEach(() => {
  kept = undefined;
  down = false;
  keep.mockClear();
  log.error.mockClear();
});

describe('the user ids of outside players', () => {
  test('are derived by verifiers as by auth, each issuer with its own key', async () => {
    const ids = start();
    const [ofA, ofB, ofC] = await ids.subjectKeys(['a', 'b', 'c']);
    expect(createUserIdOf(ofA as Uint8Array)('alice')).toBe(ALICE);
    expect(await ids.userIdOf('a', 'alice')).toBe(ALICE);
    expect([ofB?.length, ofC?.length]).toEqual([0, 0]);
    expect(ids.trouble()).toBeUndefined();
  });

  test('are the subjects of an issuer with plain ones', async () => {
    expect(await start().userIdOf('b', 'alice')).toBe('alice');
    await expect(start().userIdOf('b', 'al ice')).rejects.toMatchObject({ reason: 'USER_ID_INVALID' });
  });

  test('of one issuer are never given to a subject of another', async () => {
    await expect(start().userIdOf('b', ALICE)).rejects.toMatchObject({ reason: 'SUBJECT_INVALID' });
  });

  test('are refused for an unknown issuer, and for a subject that is none', async () => {
    await expect(start().userIdOf('c', 'alice')).rejects.toMatchObject({ reason: 'ISSUER_UNKNOWN' });
    await expect(start().userIdOf('a', '')).rejects.toMatchObject({ reason: 'SUBJECT_INVALID' });
  });

  test('wait until Postgres has said once whose key it knows', async () => {
    const ids = start();
    down = true;
    await expect(ids.subjectKeys(['a'])).rejects.toThrow(AppError);
    down = false;
    await ids.subjectKeys(['a']);
    down = true;
    expect(await ids.userIdOf('a', 'alice')).toBe(ALICE);
    expect(keep).toHaveBeenCalledTimes(2);
  });

  test('are never derived with a key that the database does not know', async () => {
    kept = fingerprintOf(Buffer.alloc(32, 8));
    const ids = start();
    for (let times = 0; times < 3; times += 1) {
      await expect(ids.subjectKeys(['a'])).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
      await expect(ids.userIdOf('a', 'alice')).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
    }
    expect(log.error).toHaveBeenCalledTimes(1);
    expect(ids.trouble()).toContain('restore it from a backup');
  });
});

describe('the player of an action', () => {
  const verify = vi.fn(async (_token: string) => ({ userId: 'by-token' }));
  const resolve = () => createResolvePlayer({ playerIds: start(), players: { verify: verify as never } });
  const action = (player: object, userId = '') =>
    ({ leaderboard: '', userId, actionId: 'a1', points: 1n, player }) as never;
  const none = { case: undefined };

  test('is named by a user id, without a promise', () => {
    const actions = [action(none, 'alice'), undefined];
    expect(resolve().actions(actions)).toBe(actions);
  });

  test('is named by issuer and subject, or by a token', async () => {
    const resolved = await resolve().actions([
      action({ case: 'outside', value: { issuer: 'a', subject: 'alice' } }),
      action({ case: 'accessToken', value: 'token' }),
      action(none, 'bob'),
      undefined,
    ]);
    expect(resolved.map((each) => each?.userId)).toEqual([ALICE, 'by-token', 'bob', undefined]);
    expect(verify).toHaveBeenCalledWith('token');
  });

  test('is not named twice', async () => {
    const twice = action({ case: 'accessToken', value: 'token' }, 'alice');
    await expect(resolve().actions([twice])).rejects.toMatchObject({ reason: 'USER_ID_INVALID' });
  });
});
