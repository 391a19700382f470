import { describe, expect, it } from 'vitest';
import {
  InputError,
  parseActionLine,
  parseCommandLine,
  parseTokenLine,
} from '../../../services/cli/command-line.ts';

describe('the command line', () => {
  it('reads a player, and a name to show', () => {
    expect(parseCommandLine(['token', 'alice'])).toEqual({ name: 'token', userId: 'alice', username: '' });
    expect(parseCommandLine(['token', 'alice', '--name', 'Alice B'])).toEqual({
      name: 'token',
      userId: 'alice',
      username: 'Alice B',
    });
  });

  it('reads an action of the default board, or of another', () => {
    const action = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 100n };
    expect(parseCommandLine(['sign', 'alice', 'a1', '100'])).toEqual({ name: 'sign', action });
    expect(parseCommandLine(['sign', 'alice', 'a1', '100', '--leaderboard', 'weekly'])).toEqual({
      name: 'sign',
      action: { ...action, leaderboard: 'weekly' },
    });
  });

  it('takes a hyphen for standard input', () => {
    expect(parseCommandLine(['token', '-'])).toEqual({ name: 'tokens' });
    expect(parseCommandLine(['sign', '-', '--leaderboard', 'weekly'])).toEqual({
      name: 'signs',
      leaderboard: 'weekly',
    });
  });

  it('reads which batches of the outbox to list or to try again', () => {
    expect(parseCommandLine(['outbox', 'list'])).toEqual({ name: 'outbox list', limit: 100 });
    expect(parseCommandLine(['outbox', 'list', '--limit', '7'])).toEqual({ name: 'outbox list', limit: 7 });
    expect(parseCommandLine(['outbox', 'replay', '7', '12'])).toEqual({
      name: 'outbox replay',
      ids: [7n, 12n],
    });
    expect(parseCommandLine(['outbox', 'replay', '--all'])).toEqual({ name: 'outbox replay', ids: [] });
  });

  it('reads what to do with the audit log', () => {
    const head = `7:${'0a'.repeat(32)}`;
    expect(parseCommandLine(['audit', 'head'])).toEqual({ name: 'audit head' });
    expect(parseCommandLine(['audit', 'export'])).toEqual({ name: 'audit export' });
    expect(parseCommandLine(['audit', 'verify'])).toEqual({ name: 'audit verify' });
    expect(parseCommandLine(['audit', 'verify', '--head', head, '--file', 'x.jsonl'])).toEqual({
      name: 'audit verify',
      expected: { seq: 7n, head: Buffer.alloc(32, 10) },
      file: 'x.jsonl',
    });
    expect(parseCommandLine(['audit', 'rejected'])).toEqual({
      name: 'audit rejected',
      userId: '',
      limit: 100,
    });
    expect(parseCommandLine(['audit', 'rejected', '--user', 'eve', '--limit', '7'])).toEqual({
      name: 'audit rejected',
      userId: 'eve',
      limit: 7,
    });
    expect(parseCommandLine(['audit', 'erase', 'eve'])).toEqual({ name: 'audit erase', userId: 'eve' });
  });

  it('leaves the words of certs to the program that makes them', () => {
    expect(parseCommandLine(['certs', '--days', '7'])).toEqual({ name: 'certs', words: ['--days', '7'] });
  });

  it.each([
    [['audit']],
    [['audit', 'seal']],
    [['audit', 'head', 'now']],
    [['audit', 'verify', 'now']],
    [['audit', 'verify', '--head', '7']],
    [['audit', 'verify', '--head', `0:${'0a'.repeat(32)}`]],
    [['audit', 'rejected', 'eve']],
    [['audit', 'rejected', '--user', 'two words']],
    [['audit', 'rejected', '--limit', '1001']],
    [['audit', 'erase']],
    [['audit', 'erase', 'two words']],
    [['audit', 'erase', 'eve', 'bob']],
    [[]],
    [['sing']],
    [['token']],
    [['token', 'alice', 'bob']],
    [['token', 'alice', '--nmae', 'x']],
    [['token', 'two words']],
    [['token', 'alice', '--name', ' padded ']],
    [['sign', 'alice', 'a1']],
    [['sign', 'alice', 'a1', '1.5']],
    [['sign', 'alice', 'a1', '-5']],
    [['sign', 'alice', 'a1', '9007199254740992']],
    [['sign', 'alice', 'a 1', '1']],
    [['sign', 'alice', 'a1', '1', '--leaderboard', 'no/slash']],
    [['status', 'now']],
    [['keys']],
    [['keys', 'rotate', 'tokens']],
    [['keys', 'withdraw', 'token']],
    [['outbox']],
    [['outbox', 'clear']],
    [['outbox', 'list', '7']],
    [['outbox', 'list', '--limit', '1001']],
    [['outbox', 'replay']],
    [['outbox', 'replay', '7', '--all']],
    [['outbox', 'replay', 'seven']],
    [['verify', 'global']],
    [['revoke']],
    [['revoke', 'token']],
    [['revoke', 'key', 'a']],
    [['revoke', 'player', 'two words']],
    [['revoke', 'player', 'alice', 'bob']],
  ])('refuses %j with a word about it', (args) => {
    expect(() => parseCommandLine(args)).toThrow(InputError);
    expect(() => parseCommandLine(args)).toThrow(/./);
  });
});

describe('a line of standard input', () => {
  it('has its words apart by any white space', () => {
    expect(parseTokenLine(' alice\r')).toBe('alice');
    expect(parseActionLine('alice\ta1  7\r', 'global')).toEqual({
      leaderboard: 'global',
      userId: 'alice',
      actionId: 'a1',
      points: 7n,
    });
  });

  it.each(['', 'alice', 'alice a1', 'alice a1 x', 'alice a1 1 more'])('is refused as %j', (line) => {
    expect(() => parseActionLine(line, 'global')).toThrow(InputError);
  });
});
