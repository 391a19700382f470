/** The commands about what players may do: what they read, ask for and write. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ListFlagsResponseSchema,
  ListLimitsResponseSchema,
} from '../../../gen/scoreboard/score/v1/limits_pb.ts';
import { InputError, parseCommandLine } from '../../../services/cli/command-line.ts';
import { type LimitsClient, runLimits } from '../../../services/cli/limits.ts';

describe('the command line', () => {
  it('reads a rule in the units of the operator', () => {
    const words = 'limits set arena --kind boss --max-points 100 --max-window-points 500 --window 60';
    expect(
      parseCommandLine([...words.split(' '), '--max-window-actions', '9', '--min-interval', '250']),
    ).toEqual({
      name: 'limits set',
      limits: {
        ...{ leaderboard: 'arena', kind: 'boss', maxPoints: 100n, maxWindowPoints: 500n },
        ...{ windowMs: 60_000n, maxWindowActions: 9n, minIntervalMs: 250n },
      },
    });
    expect(parseCommandLine(['limits', 'clear', 'arena'])).toEqual({
      name: 'limits set',
      limits: { leaderboard: 'arena', kind: '' },
    });
  });

  it('reads what to show, to forget, and whom to shut out', () => {
    expect(parseCommandLine(['limits', 'show'])).toEqual({ name: 'limits show', leaderboard: '' });
    expect(parseCommandLine(['limits', 'show', 'arena'])).toEqual({
      name: 'limits show',
      leaderboard: 'arena',
    });
    expect(parseCommandLine(['flags', 'list', '--limit', '7'])).toEqual({ name: 'flags list', limit: 7 });
    expect(parseCommandLine(['flags', 'clear', 'bob'])).toEqual({ name: 'flags clear', userId: 'bob' });
    expect(parseCommandLine(['flags', 'clear', '--all'])).toEqual({ name: 'flags clear', userId: '' });
    expect(parseCommandLine(['quarantine', 'bob'])).toEqual({ name: 'quarantine', userId: 'bob' });
    expect(parseCommandLine(['quarantine', '--list'])).toEqual({ name: 'quarantine list' });
    expect(parseCommandLine(['release', 'bob'])).toEqual({ name: 'release', userId: 'bob' });
  });

  it.each([
    'limits',
    'limits show a b',
    'limits set arena',
    'limits set --max-points 1',
    'limits set arena --max-points -1',
    'limits set arena --max-points 1.5',
    'limits set arena --max-points 9007199254740992',
    'limits set arena --window 0',
    'limits set arena --max-score 1',
    'limits set no/slash --max-points 1',
    'limits clear',
    'limits clear arena --max-points 1',
    'flags',
    'flags list bob',
    'flags list --limit 0',
    'flags clear',
    'quarantine',
    'quarantine --all',
    'release',
    'release alice bob',
  ])('refuses "%s"', (words) => {
    expect(() => parseCommandLine(words.split(' '))).toThrow(InputError);
  });
});

function clientOf(answers: {
  limits?: MessageInitShape<typeof ListLimitsResponseSchema>;
  flags?: MessageInitShape<typeof ListFlagsResponseSchema>;
  changed?: boolean;
}) {
  const { changed = true } = answers;
  const client = {
    listLimits: async () => create(ListLimitsResponseSchema, answers.limits),
    listFlags: async () => create(ListFlagsResponseSchema, answers.flags),
    quarantinePlayer: async () => ({ changed }),
    releasePlayer: async () => ({ changed }),
  };
  return client as unknown as LimitsClient;
}

async function outputOf(client: LimitsClient, ...words: string[]) {
  const pieces: string[] = [];
  const command = parseCommandLine(words);
  const code = await runLimits(
    client,
    command as Parameters<typeof runLimits>[1],
    async (text) => void pieces.push(text),
  );
  return { code, lines: pieces.join('').split('\n').slice(1, -1) };
}

describe('what the operator reads', () => {
  it('is one line a rule', async () => {
    const limits = [
      { leaderboard: 'arena', maxPoints: 0n },
      { leaderboard: 'arena', kind: 'boss', maxWindowActions: 5n, windowMs: 1_500n, minIntervalMs: 20n },
    ];
    expect(await outputOf(clientOf({ limits: { limits } }), 'limits', 'show')).toEqual({
      code: 0,
      lines: ['arena\t-\t0\t-\t-\t-\t-', 'arena\tboss\t-\t-\t5\t1.5\t20'],
    });
  });

  it('is one line a flag, and how many there are', async () => {
    const flag = { leaderboard: 'arena', userId: 'bob', reason: 'FAST', times: 3n, detail: '90 actions' };
    const times = { firstAtUnixMs: 0n, lastAtUnixMs: 1_000n };
    const client = clientOf({ flags: { flags: [{ ...flag, ...times }], total: 4n } });
    expect((await outputOf(client, 'flags', 'list')).lines).toEqual([
      'arena\tbob\tFAST\t3\t1970-01-01T00:00:00.000Z\t1970-01-01T00:00:01.000Z\t90 actions',
      '4 flags',
    ]);
  });

  it('is code 1 when a player was shut out or let in before', async () => {
    expect(await outputOf(clientOf({}), 'quarantine', 'bob')).toMatchObject({ code: 0 });
    expect(await outputOf(clientOf({ changed: false }), 'quarantine', 'bob')).toMatchObject({ code: 1 });
    expect(await outputOf(clientOf({ changed: false }), 'release', 'bob')).toMatchObject({ code: 1 });
  });
});
