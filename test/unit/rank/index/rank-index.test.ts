/** What the client of the rank index sends and how it reads answers; what the scripts do is tested with a real Redis. */
import { beforeEach, describe, expect, test } from 'vitest';
import { IndexDamage } from '../../../../services/rank/index/damage.ts';
import { createIndexKeys } from '../../../../services/rank/index/index-keys.ts';
import { createRankIndex, type RankIndex } from '../../../../services/rank/index/rank-index.ts';
import { ForeignServerError } from '../../../../services/shared/stores/deployment.ts';
import { HIDDEN, type PlayerState } from '../../../../services/shared/values/board.ts';
import { ScriptedRedis } from '../../../support/doubles/scripted-redis.ts';

const OURS = '0b0e7ff6-6f5a-4a49-9f5c-1d2b3c4d5e6f';
const PLACE = { keys: createIndexKeys('scoreboard'), deployment: OURS, at: 'redis://boards:6379' };
let redis: ScriptedRedis;
let index: RankIndex;

beforeEach(() => {
  redis = new ScriptedRedis();
  index = createRankIndex(redis.client, new IndexDamage(), PLACE);
  index.trust(0);
});

const ADA: PlayerState = {
  ...{ leaderboard: 'global', userId: 'ada', username: 'Ada: L' },
  ...{ points: 12n, version: 3n, reached: 255n },
};
const BOB: PlayerState = {
  ...ADA,
  userId: 'bob',
  username: '',
  points: 0n,
  version: 1n,
  reached: 2n ** 53n - 3n,
};
const MEMBER_OF_ADA = '000000000000ffada';
const MEMBER_OF_BOB = '1ffffffffffffdbob';
const KEYS = ['sb:epoch', 'sb:5:global:order', 'sb:5:global:players', 'sb:5:global:board'];
/** As a script answers: member and contents, then minus the points. */
const FLAT = [`${MEMBER_OF_ADA} 3:000000000000ff:Ada: L`, '-12', `${MEMBER_OF_BOB} 1:1ffffffffffffd:`, '0'];
const ENTRIES = [
  { userId: 'ada', username: 'Ada: L', score: 12n, rank: 1 },
  { userId: 'bob', username: '', score: 0n, rank: 2 },
];
const onlyCall = () => {
  expect(redis.calls).toHaveLength(1);
  return redis.calls[0];
};

describe('projecting', () => {
  test('sends each player as member, minus points, version and name, and reads seq, ranks and the new top', async () => {
    redis.answer = () => ['ok', '9', [1, 0], FLAT];
    expect(await index.project(5n, 'global', [ADA, BOB])).toEqual({
      position: { epoch: 5n, seq: 9n },
      ranks: [2, 1],
      board: { position: { epoch: 5n, seq: 9n }, entries: ENTRIES },
    });
    expect(onlyCall()).toEqual({
      name: 'project',
      keys: KEYS,
      args: ['5', 'live', '10', MEMBER_OF_ADA, '-12', '3', 'Ada: L', MEMBER_OF_BOB, '0', '1', ''],
    });
  });

  test('sends a player who is not on the board without points, and answers rank 0', async () => {
    redis.answer = () => ['ok', '9', [-1], []];
    expect(await index.project(5n, 'global', [{ ...ADA, reached: HIDDEN }])).toEqual({
      position: { epoch: 5n, seq: 9n },
      ranks: [0],
      board: { position: { epoch: 5n, seq: 9n }, entries: [] },
    });
    expect(onlyCall()?.args).toEqual(['5', 'live', '10', '1ffffffffffffeada', '', '3', 'Ada: L']);
  });

  test('has no board when the top is as it was', async () => {
    redis.answer = () => ['ok', '9', [7], null];
    expect(await index.project(5n, 'global', [ADA])).toEqual({
      position: { epoch: 5n, seq: 9n },
      ranks: [8],
      board: undefined,
    });
  });

  test('answers nothing when another epoch counts', async () => {
    redis.answer = () => ['epoch'];
    expect(await index.project(5n, 'global', [ADA])).toBeUndefined();
  });

  test('to an epoch under construction says so', async () => {
    redis.answer = () => ['ok'];
    await index.projectShadow(5n, 'global', [ADA]);
    expect(onlyCall()).toEqual({
      name: 'project',
      keys: KEYS,
      args: ['5', 'shadow', '10', MEMBER_OF_ADA, '-12', '3', 'Ada: L'],
    });
  });
});

test('loading hands a packed part on as it is, to the order and the players of an epoch', async () => {
  redis.answer = () => null;
  await index.load(6n, 'weekly', '{"users":[]}');
  expect(onlyCall()).toEqual({
    name: 'load',
    keys: ['sb:6:weekly:order', 'sb:6:weekly:players'],
    args: ['{"users":[]}'],
  });
});

describe('reading', () => {
  test('a top has the requested length and is numbered from 1', async () => {
    redis.answer = () => ['ok', '4', FLAT];
    expect(await index.top(5n, 'global', 7)).toEqual({
      position: { epoch: 5n, seq: 4n },
      entries: ENTRIES,
    });
    expect(onlyCall()).toEqual({ name: 'top', keys: KEYS, args: ['5', '7'] });
  });

  test('a top without a position is refused: the script always answers one', async () => {
    redis.answer = () => ['ok', null, []];
    await expect(index.top(5n, 'global', 10)).rejects.toThrow();
  });

  test('neighbours are numbered from the first of them, and the player is found among them', async () => {
    redis.answer = () => ['ok', 40, 11, FLAT, 12, '1'];
    expect(await index.around(5n, 'global', 'bob', 3)).toEqual({
      players: 40,
      entries: [
        { ...ENTRIES[0], rank: 12 },
        { ...ENTRIES[1], rank: 13 },
      ],
      self: { entry: { ...ENTRIES[1], rank: 13 }, version: 1n },
    });
    expect(onlyCall()).toEqual({ name: 'around', keys: KEYS, args: ['5', 'bob', '3'] });
  });

  test('a player without a score has no neighbours', async () => {
    redis.answer = () => ['ok', 40, 0, []];
    expect(await index.around(5n, 'global', 'zoe', 3)).toEqual({ players: 40, entries: [], self: undefined });
  });

  test('answers nothing when another epoch counts', async () => {
    redis.answer = () => ['epoch'];
    expect(await index.top(5n, 'global', 10)).toBeUndefined();
    expect(await index.around(5n, 'global', 'ada', 1)).toBeUndefined();
  });
});

describe('a connection', () => {
  const INFO = '# Server\r\nredis_version:7.0.15\r\nrun_id:0a1b2c\r\ntcp_port:1\r\n';
  function answerIdentity(pointer: string | null, info = INFO, owner = OURS): void {
    const values: Record<string, string | null> = { 'sb:epoch': pointer, 'sb:deployment': owner };
    redis.get = async (key: string) => values[key] ?? (key in values ? null : 'another key');
    redis.info = async (section: string) => (section === 'server' ? info : '');
    redis.set = async () => 'OK';
    redis.answer = () => ['ok', '0', [], []];
  }
  /** Whether it is asked at all. */
  async function isUsed(): Promise<boolean> {
    redis.answer = () => ['epoch'];
    const before = redis.calls.length;
    await index.project(5n, 'global', [ADA]);
    await index.top(5n, 'global', 1);
    await index.around(5n, 'global', 'ada', 1);
    expect([0, 3]).toContain(redis.calls.length - before);
    return redis.calls.length > before;
  }

  test('is not used before its Redis was recognised', async () => {
    index = createRankIndex(redis.client, new IndexDamage(), PLACE);
    expect(await isUsed()).toBe(false);
    index.trust(0);
    expect(await isUsed()).toBe(true);
  });

  test('that replaced another is not used until it is recognised as well', async () => {
    answerIdentity('5');
    expect(await index.identity()).toEqual({ epoch: 5n, runId: '0a1b2c', connection: 0 });
    redis.emit('close');
    expect(await isUsed()).toBe(false);
    const { connection } = await index.identity();
    index.trust(connection);
    expect(await isUsed()).toBe(true);
  });

  test('is tried with a write, and with a script that writes nothing', async () => {
    const written: unknown[] = [];
    answerIdentity('5');
    redis.set = async (...words: unknown[]) => written.push(words);
    await index.identity();
    expect(written).toEqual([
      ['sb:deployment', OURS, 'NX'],
      ['sb:probe', ''],
    ]);
    expect(onlyCall()).toMatchObject({ name: 'project', args: ['0', 'shadow', '10'] });
  });

  test('is not trusted because of what the connection before it answered', async () => {
    answerIdentity('5');
    const asked = index.identity();
    redis.emit('close');
    index.trust((await asked).connection);
    expect(await isUsed()).toBe(false);
  });

  test('reports a Redis without an epoch, and refuses one that hides its run id', async () => {
    answerIdentity(null);
    expect(await index.identity()).toMatchObject({ epoch: undefined });
    answerIdentity('5', 'redis_version:7.0.15\r\nnot_run_id:1\r\n');
    await expect(index.identity()).rejects.toThrow('Redis does not report its run id');
  });

  test('to the index of another deployment is refused, with both names and the setting, and nothing is written', async () => {
    const written: unknown[] = [];
    answerIdentity('5', INFO, 'ffffffff-6f5a-4a49-9f5c-1d2b3c4d5e6f');
    redis.set = async (...words: unknown[]) => written.push(words);
    const refused = index.identity();
    await expect(refused).rejects.toThrow(ForeignServerError);
    await expect(refused).rejects.toThrow(
      new RegExp(
        `at redis://boards:6379 belongs to deployment ffffffff-.* is deployment ${OURS}: set NAMESPACE`,
      ),
    );
    expect(written).toEqual([['sb:deployment', OURS, 'NX']]);
    expect(redis.calls).toEqual([]);
  });

  test('is used for shadow writes in any case: no reader uses an epoch under construction', async () => {
    redis.emit('close');
    redis.answer = () => ['ok'];
    await index.projectShadow(6n, 'global', [ADA]);
    expect(redis.calls).toHaveLength(1);
  });
});

test('pointing to an epoch writes the one pointer', async () => {
  const written: unknown[] = [];
  redis.set = async (...words: unknown[]) => written.push(words);
  await index.pointTo(7n);
  expect(written).toEqual([['sb:epoch', '7']]);
});

test('clearing away walks all keys and removes those of older epochs alone', async () => {
  const pages: Record<string, [string, string[]]> = {
    0: ['17', ['sb:3:global:order', 'sb:12:global:order', 'sb:120:global:order']],
    17: ['8', ['sb:rate:user:5', 'xsb:1:global:order', 'sb:13:global:board']],
    8: ['0', ['sb:11:weekly:players', 'sb:11:weekly:board']],
  };
  const asked: unknown[] = [];
  const removed: string[][] = [];
  redis.scan = async (cursor: string, ...words: unknown[]) => {
    asked.push(words);
    return pages[cursor];
  };
  redis.unlink = async (...keys: string[]) => removed.push(keys);
  await index.dropOlder(12n);
  expect(removed).toEqual([['sb:3:global:order'], ['sb:11:weekly:players', 'sb:11:weekly:board']]);
  expect(asked).toEqual(Array(3).fill(['MATCH', 'sb:[0-9]*:*', 'COUNT', 500]));
});

test('clearing all away begins with the pointer, and spares the epoch under construction', async () => {
  const removed: string[][] = [];
  redis.scan = async () => ['0', ['sb:4:global:order', 'sb:5:global:order', 'sb:6:global:order']];
  redis.unlink = async (...keys: string[]) => removed.push(keys);
  await index.clear(6n);
  expect(removed).toEqual([['sb:epoch'], ['sb:4:global:order', 'sb:5:global:order']]);
});
