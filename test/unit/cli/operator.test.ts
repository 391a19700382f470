/** What the operator reads, and with which exit code the commands end. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import {
  CompareIndexResponseSchema,
  ListOutboxResponseSchema,
  ReplayOutboxResponseSchema,
} from '../../../gen/scoreboard/score/v1/operator_pb.ts';
import { listOutbox, type Operator, replayOutbox } from '../../../services/cli/outbox.ts';
import { verifyBoards } from '../../../services/cli/verify.ts';

function operatorOf(answers: {
  parts?: MessageInitShape<typeof CompareIndexResponseSchema>[];
  listed?: MessageInitShape<typeof ListOutboxResponseSchema>;
  replayed?: bigint;
}): Operator {
  const parts = [...(answers.parts ?? [])];
  return {
    compareIndex: async () => create(CompareIndexResponseSchema, parts.shift()),
    listOutbox: async () => create(ListOutboxResponseSchema, answers.listed),
    replayOutbox: async () => create(ReplayOutboxResponseSchema, { replayed: answers.replayed ?? 0n }),
    close: () => {},
  };
}

function collect() {
  const pieces: string[] = [];
  const write = async (text: string) => void pieces.push(text);
  return { write, text: () => pieces.join('') };
}

it('verify tells each difference and the sum of all parts, and ends with 1', async () => {
  const { write, text } = collect();
  const difference = { userId: 'ada', kind: 'behind', truth: 'points 5', index: '' };
  const parts = [
    { leaderboard: 'global', players: 2_000, cursor: 'x', differing: 1, differences: [difference] },
    { leaderboard: 'weekly', players: 7, cursor: '', differing: 0 },
  ];
  expect(await verifyBoards(operatorOf({ parts }), write)).toBe(1);
  expect(text()).toBe(
    'global\tada\tbehind\tdatabase: points 5\tindex: -\n2007 players on 2 boards compared: 1 differ\n',
  );
});

it('verify ends with 0 when nothing differs, also when there is nothing', async () => {
  const { write, text } = collect();
  expect(await verifyBoards(operatorOf({ parts: [{}] }), write)).toBe(0);
  expect(text()).toBe('0 players on 0 boards compared: 0 differ\n');
});

it('outbox list is one line a batch, also when an error has several', async () => {
  const { write, text } = collect();
  const entry = {
    ...{ id: 7n, dead: true, attempts: 20, lastError: 'no\n  answer', players: 3, leaderboards: ['a', 'b'] },
    ...{ createdAtUnixMs: 0n, nextAttemptAtUnixMs: 0n },
  };
  await listOutbox(operatorOf({ listed: { entries: [entry], pending: 4n, dead: 1n } }), 100, write);
  expect(text().split('\n').slice(1)).toEqual([
    '7\tdead\t20\t3\ta,b\t1970-01-01T00:00:00.000Z\t-\tno answer',
    '4 pending, 1 dead',
    '',
  ]);
});

it('outbox replay ends with 1 when one of the named batches is gone', async () => {
  const { write } = collect();
  expect(await replayOutbox(operatorOf({ replayed: 1n }), [7n, 8n], write)).toBe(1);
  expect(await replayOutbox(operatorOf({ replayed: 2n }), [7n, 8n], write)).toBe(0);
  expect(await replayOutbox(operatorOf({ replayed: 0n }), [], write)).toBe(0);
});
