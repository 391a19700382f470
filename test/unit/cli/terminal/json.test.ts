/** Every command takes --json and then prints one line of JSON. */
import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { CompareIndexResponseSchema } from '../../../../gen/scoreboard/rank/v1/index_pb.ts';
import {
  GetAuditHeadResponseSchema,
  ListRejectedResponseSchema,
} from '../../../../gen/scoreboard/score/v1/audit_pb.ts';
import {
  ListFlagsResponseSchema,
  ListLimitsResponseSchema,
} from '../../../../gen/scoreboard/score/v1/limits_pb.ts';
import { ListOutboxResponseSchema } from '../../../../gen/scoreboard/score/v1/operator_pb.ts';
import { runWords } from '../fake-session.ts';

const HEAD = Buffer.alloc(32, 0xab);
const ANSWERS = {
  issueToken: () => ({ accessToken: 'a.b.c' }),
  signActions: ({ actions }: { actions: unknown[] }) => ({
    signatures: actions.map((_, at) => ({ signature: `v1.${at}` })),
  }),
  listOutbox: () =>
    create(ListOutboxResponseSchema, {
      entries: [{ id: 7n, dead: true, attempts: 2, players: 1, leaderboards: ['arena'], lastError: 'x' }],
      ...{ pending: 0n, dead: 1n },
    }),
  replayOutbox: () => ({ replayed: 1n }),
  compareIndex: () =>
    create(CompareIndexResponseSchema, {
      ...{ leaderboard: 'arena', players: 3, differing: 1 },
      differences: [{ userId: 'bob', kind: 'behind', truth: 'points 5', index: '' }],
    }),
  listLimits: () =>
    create(ListLimitsResponseSchema, { limits: [{ leaderboard: 'arena', maxPoints: 5n, windowMs: 1_500n }] }),
  setLimits: () => ({}),
  findBoard: () => ({ known: true }),
  findPlayer: () => ({ known: true }),
  listFlags: () =>
    create(ListFlagsResponseSchema, {
      flags: [{ leaderboard: 'arena', userId: 'bob', reason: 'FAST', times: 3n }],
      total: 1n,
    }),
  clearFlags: () => ({ cleared: 2n }),
  quarantinePlayer: () => ({ changed: true }),
  listQuarantined: () => ({ userIds: ['bob'] }),
  releasePlayer: () => ({ changed: true }),
  getAuditHead: () => create(GetAuditHeadResponseSchema, { seq: 9n, head: HEAD, unsealedBatches: 1n }),
  listRejected: () =>
    create(ListRejectedResponseSchema, { rejected: [{ userId: 'bob', reason: 'TOO_SOON', attempts: 4n }] }),
};

it.each([
  ['token alice', { token: 'a.b.c' }],
  ['sign alice a1 5', { signature: 'v1.0' }],
  ['outbox list', { pending: 0, dead: 1, batches: [expect.objectContaining({ id: '7', nextTry: null })] }],
  ['outbox replay 7', { replayed: 1, missing: 0 }],
  [
    'verify',
    {
      ...{ players: 3, boards: 1, differing: 1 },
      differences: [expect.objectContaining({ userId: 'bob', database: 'points 5', index: '-' })],
    },
  ],
  ['limits show', { limits: [{ leaderboard: 'arena', kind: '', maxPoints: 5, windowS: 1.5 }] }],
  ['limits set arena --max-points 5', { leaderboard: 'arena', kind: '', changed: true }],
  ['limits clear arena', { leaderboard: 'arena', kind: '', changed: true }],
  ['flags list', { total: 1, flags: [expect.objectContaining({ userId: 'bob', times: 3 })] }],
  ['flags clear --all', { cleared: 2 }],
  ['quarantine bob', { userId: 'bob', changed: true }],
  ['quarantine --list', { userIds: ['bob'] }],
  ['release bob', { userId: 'bob', changed: true }],
  ['audit head', { head: `9:${HEAD.toString('hex')}`, unsealedBatches: 1 }],
  ['audit rejected', { rejected: [expect.objectContaining({ userId: 'bob', attempts: 4 })] }],
])('%s --json', async (line, expected) => {
  const { output, errors } = await runWords([...line.split(' '), '--json'], ANSWERS);
  expect(errors).toBe('');
  expect(output).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(output)).toEqual(expected);
});

it('prints an object for each line of standard input', async () => {
  const tokens = await runWords(['token', '-', '--json'], ANSWERS, { input: 'alice\nbob\n' });
  expect(tokens.output).toBe('{"token":"a.b.c"}\n{"token":"a.b.c"}\n');
  const signed = await runWords(['sign', '-', '--json'], ANSWERS, { input: 'alice a1 1\nbob b1 2\n' });
  expect(signed.output).toBe('{"signature":"v1.0"}\n{"signature":"v1.1"}\n');
});

it.each([
  ...['token', 'sign', 'status', 'outbox list', 'outbox replay', 'verify', 'top', 'certs'],
  ...['keys list', 'keys rotate', 'keys withdraw', 'revoke token', 'revoke player'],
  ...['limits show', 'limits set', 'limits clear', 'flags list', 'flags clear', 'quarantine', 'release'],
  ...['audit head', 'audit verify', 'audit export', 'audit rejected', 'audit erase'],
])('%s has the option in its help', async (line) => {
  expect((await runWords([...line.split(' '), '--help'])).output).toContain('--json');
});
