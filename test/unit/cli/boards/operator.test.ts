/** The output and exit codes of the commands about boards and deliveries. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { CompareIndexResponseSchema } from '../../../../gen/scoreboard/rank/v1/index_pb.ts';
import { ListOutboxResponseSchema } from '../../../../gen/scoreboard/score/v1/operator_pb.ts';
import { runWords } from '../fake-session.ts';

function verify(parts: MessageInitShape<typeof CompareIndexResponseSchema>[]) {
  const left = [...parts];
  return runWords(['verify'], { compareIndex: () => create(CompareIndexResponseSchema, left.shift()) });
}

it('verify prints each difference and the totals of all parts, and ends with 1', async () => {
  const difference = { userId: 'ada', kind: 'behind', truth: 'points 5', index: '' };
  const ran = await verify([
    { leaderboard: 'global', players: 2_000, cursor: 'x', differing: 1, differences: [difference] },
    { leaderboard: 'weekly', players: 7, cursor: '', differing: 0 },
  ]);
  expect(ran).toMatchObject({
    code: 1,
    output:
      'global\tada\tbehind\tdatabase: points 5\tindex: -\n2007 players on 2 boards compared: 1 differ\n',
  });
});

it('verify ends with 0 if nothing differs, also without any board', async () => {
  expect(await verify([{}])).toMatchObject({ code: 0, output: '0 players on 0 boards compared: 0 differ\n' });
});

it('outbox list prints one line for each batch, also if an error has several lines', async () => {
  const entry = {
    ...{ id: 7n, dead: true, attempts: 20, lastError: 'no\n  answer', players: 3, leaderboards: ['a', 'b'] },
    ...{ createdAtUnixMs: 0n, nextAttemptAtUnixMs: 0n },
  };
  const listOutbox = () => create(ListOutboxResponseSchema, { entries: [entry], pending: 4n, dead: 1n });
  const { output, asked } = await runWords(['outbox', 'list'], { listOutbox });
  expect(asked).toEqual([['listOutbox', { limit: 100 }]]);
  expect(output.split('\n').slice(1)).toEqual([
    ...['7\tdead\t20\t3\ta,b\t1970-01-01T00:00:00.000Z\t-\tno answer', '4 pending, 1 dead', ''],
  ]);
});

it('outbox replay ends with 1 if one of the batches no longer exists', async () => {
  const replay = (replayed: bigint, ...words: string[]) =>
    runWords(['outbox', 'replay', ...words], { replayOutbox: () => ({ replayed }) });
  expect(await replay(1n, '7', '8')).toMatchObject({
    ...{ code: 1, output: '1 will be retried, 1 are no longer in the outbox\n' },
    asked: [['replayOutbox', { ids: [7n, 8n] }]],
  });
  expect(await replay(2n, '7', '8')).toMatchObject({ code: 0, output: '2 will be retried\n' });
  expect(await replay(0n, '--all')).toMatchObject({ code: 0, asked: [['replayOutbox', { ids: [] }]] });
});

it('audit rejected lists one player, or all', async () => {
  const listRejected = () => ({ rejected: [] });
  const of = async (...words: string[]) =>
    (await runWords(['audit', 'rejected', ...words], { listRejected })).asked[0]?.[1];
  expect(await of()).toEqual({ userId: '', limit: 100 });
  expect(await of('--user', 'eve', '--limit', '7')).toEqual({ userId: 'eve', limit: 7 });
});
