import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSubmit } from '../../../../../edge/http/submit/submit.ts';
import {
  type SubmitScoresRequestSchema,
  type SubmitScoresResponse,
  SubmitScoresResponseSchema,
} from '../../../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../../services/shared/flow/deadline.ts';
import { createMetrics } from '../../../../../services/shared/telemetry/metrics.ts';

type Request = MessageInitShape<typeof SubmitScoresRequestSchema>;
type Outcome = NonNullable<MessageInitShape<typeof SubmitScoresResponseSchema>['outcomes']>[number];

const ACCEPTED: Outcome = { result: { case: 'accepted', value: { newScore: 5n, rank: 1n, version: 1n } } };

/** A score service whose every call ends when the test says so. */
function createScore() {
  const calls: {
    request: Request;
    limitMs: number;
    answer: (outcomes: Outcome[]) => void;
    fail: (error: Error) => void;
  }[] = [];
  const submitScores = (request: Request, { limitMs }: { limitMs: number }) =>
    new Promise<SubmitScoresResponse>((resolve, reject) => {
      const answer = (outcomes: Outcome[]) =>
        resolve(
          create(SubmitScoresResponseSchema, {
            outcomes,
            boards: [{ leaderboard: 'global', epoch: 1n, seq: 7n }],
          }),
        );
      calls.push({ request, limitMs, answer, fail: reject });
    });
  return { calls, submitScores };
}

const observed: unknown[] = [];
let score: ReturnType<typeof createScore>;
let submit: ReturnType<typeof createSubmit>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  observed.length = 0;
  score = createScore();
  submit = createSubmit({
    score,
    topCache: { observe: (position) => observed.push(position) },
    metrics: createMetrics('test', { runtime: false }),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const player = {
  userId: 'alice',
  username: 'Alice',
  tokenId: 't',
  issuer: 'scoreboard',
  keyId: 'k1',
  issuedAtMs: 0,
  expiresAtMs: 0,
};
/** One of many players. */
const from = (index: number) => ({ ...player, userId: `p${index}` });
const action = (actionId: string) => ({ leaderboard: 'global', actionId, points: 5n, signature: 's' });
const settle = () => new Promise((resolve) => setImmediate(resolve));
const sizes = () => score.calls.map(({ request }) => request.submissions?.length);

describe('submissions', () => {
  test('that arrive together leave in one call, each with the name in the token', async () => {
    const answers = ['a', 'b', 'c'].map((id) => submit.submit(player, action(id)));
    await settle();
    expect(sizes()).toEqual([3]);
    expect(score.calls[0]?.request.submissions?.[0]).toMatchObject({
      ...action('a'),
      userId: 'alice',
      username: 'Alice',
    });
    expect(score.calls[0]?.limitMs).toBe(1_200);
    score.calls[0]?.answer([ACCEPTED, ACCEPTED, ACCEPTED]);
    expect(await Promise.all(answers)).toMatchObject([{ newScore: 5n }, { newScore: 5n }, { newScore: 5n }]);
  });

  test('each have their own answer', async () => {
    const answers = Promise.allSettled(['a', 'b', 'c'].map((id) => submit.submit(player, action(id))));
    await settle();
    score.calls[0]?.answer([
      ACCEPTED,
      { result: { case: 'refused', value: { code: 6, reason: 'ACTION_CONFLICT', message: 'Used.' } } },
      { result: { case: 'refused', value: { code: 13, reason: 'NEVER_HEARD_OF', message: 'vendor text' } } },
    ]);
    expect(await answers).toMatchObject([
      { value: { rank: 1 } },
      { reason: { reason: 'ACTION_CONFLICT', kind: 'already_exists', message: 'Used.' } },
      { reason: { reason: 'INTERNAL' } },
    ]);
  });

  test('have no rank if score could not determine it', async () => {
    const answer = submit.submit(player, action('a'));
    await settle();
    score.calls[0]?.answer([
      { result: { case: 'accepted', value: { newScore: 5n, rank: 0n, version: 1n, replayed: true } } },
    ]);
    expect(await answer).toEqual({ newScore: 5n, rank: undefined, version: 1n, replayed: true });
  });

  test('get the retry time that score names', async () => {
    const answer = submit.submit(player, action('a'));
    const refused = expect(answer).rejects.toMatchObject({ reason: 'OUTBOX_FULL', retryAfterMs: 5_000 });
    await settle();
    score.calls[0]?.answer([
      {
        result: {
          case: 'refused',
          value: { code: 8, reason: 'OUTBOX_FULL', message: 'Full.', retryAfterMs: 5_000 },
        },
      },
    ]);
    await refused;
  });

  test.each([
    [8, 'OVERLOADED'],
    [14, 'SCORE_UNAVAILABLE'],
    [4, 'DEADLINE_EXCEEDED'],
    [3, 'INTERNAL'],
  ])(
    'are worth a retry by their code %i when a newer score gives a reason not known here',
    async (code, reason) => {
      const answer = submit.submit(player, action('a'));
      const refused = expect(answer).rejects.toMatchObject({ reason, retryAfterMs: 700 });
      await settle();
      const value = { code, reason: 'SEASON_PAUSED', message: 'Soon.', retryAfterMs: 700 };
      score.calls[0]?.answer([{ result: { case: 'refused', value } }]);
      await refused;
    },
  );

  test('report the positions that they led to to the cache', async () => {
    const answer = submit.submit(player, action('a'));
    await settle();
    score.calls[0]?.answer([ACCEPTED]);
    await answer;
    expect(observed).toMatchObject([{ leaderboard: 'global', epoch: 1n, seq: 7n }]);
  });

  test('leave in calls of at most 500, two at a time', async () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => submit.submit(from(index), action(`a${index}`)));
    const answers = many(1_000);
    await settle();
    answers.push(...many(100));
    await settle();
    expect(sizes()).toEqual([500, 500]);
    for (const { request, answer } of score.calls) answer((request.submissions ?? []).map(() => ACCEPTED));
    await settle();
    expect(sizes()).toEqual([500, 500, 100]);
    score.calls[2]?.answer(Array(100).fill(ACCEPTED));
    expect(await Promise.all(answers)).toHaveLength(1_100);
  });

  test('are refused at once when the queue is full', async () => {
    const answers = Promise.allSettled(
      Array.from({ length: 1_001 }, (_, index) => submit.submit(from(index), action(`a${index}`))),
    );
    await settle();
    for (let call = 0; call < score.calls.length; call += 1) {
      score.calls[call]?.answer((score.calls[call]?.request.submissions ?? []).map(() => ACCEPTED));
      await settle();
    }
    const refused = (await answers).filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { reason: 'OVERLOADED', retryAfterMs: 1_000 } }]);
  });

  test('fail the admission check while the queue is full', async () => {
    const waiting = Array.from({ length: 1_000 }, (_, index) =>
      submit.submit(from(index), action(`a${index}`)),
    );
    await expect(submit.checkQueue()).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfterMs: 1_000 });
    await settle();
    // Now the wire has taken them.
    expect(submit.checkQueue()).toBeUndefined();
    for (const { request, answer } of score.calls) answer((request.submissions ?? []).map(() => ACCEPTED));
    expect(await Promise.all(waiting)).toHaveLength(1_000);
  });

  test('fail the admission check while answers are slow, even if the queue has room', async () => {
    const fill = (count: number) =>
      Array.from({ length: count }, (_, index) => submit.submit(from(index), action(`a${index}`)));
    const slow = fill(400);
    await settle();
    vi.advanceTimersByTime(600);
    score.calls[0]?.answer(Array(400).fill(ACCEPTED));
    await Promise.all(slow);
    // Half of the initial limit of 2,000.
    const waiting = fill(999);
    expect(submit.checkQueue()).toBeUndefined();
    waiting.push(submit.submit(from(999), action('a999')));
    await settle();
    await expect(submit.checkQueue()).rejects.toMatchObject({ reason: 'OVERLOADED' });
    for (const { request, answer } of score.calls) answer((request.submissions ?? []).map(() => ACCEPTED));
    expect(await Promise.all(waiting)).toHaveLength(1_000);
    expect(submit.checkQueue()).toBeUndefined();
  });

  test('raise a limit that refused one without the admission check, once answers are quick', async () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => submit.submit(from(index), action(`m${index}`)));
    const answerLast = () => {
      const call = score.calls.at(-1);
      call?.answer((call.request.submissions ?? []).map(() => ACCEPTED));
    };
    const slow = many(400);
    await settle();
    vi.advanceTimersByTime(600);
    answerLast();
    await Promise.all(slow);
    // The limit is 1,000 now.
    const filling = many(1_000);
    const refused = expect(submit.submit(player, action('beyond'))).rejects.toMatchObject({
      reason: 'OVERLOADED',
    });
    await settle();
    for (const { request, answer } of score.calls) answer((request.submissions ?? []).map(() => ACCEPTED));
    await Promise.all([...filling, refused]);
    const more = many(1_000);
    await settle();
    more.push(submit.submit(player, action('fits')));
    await settle();
    for (const { request, answer } of score.calls) answer((request.submissions ?? []).map(() => ACCEPTED));
    await settle();
    answerLast();
    expect(await Promise.all(more)).toHaveLength(1_001);
  });

  test('that waited too long are refused unsent, and later ones are sent', async () => {
    const stuck = Array.from({ length: 1_000 }, (_, index) =>
      submit.submit(from(index), action(`s${index}`)),
    );
    await settle();
    const late = submit.submit(player, action('late'));
    vi.advanceTimersByTime(301);
    const fresh = submit.submit(player, action('fresh'));
    for (const { request, answer } of score.calls) answer((request.submissions ?? []).map(() => ACCEPTED));
    await Promise.all(stuck);
    await expect(late).rejects.toMatchObject({ reason: 'OVERLOADED' });
    await settle();
    expect(score.calls[2]?.request.submissions).toMatchObject([{ actionId: 'fresh' }]);
    score.calls[2]?.answer([ACCEPTED]);
    expect(await fresh).toMatchObject({ newScore: 5n });
  });

  test('all fail if their call fails or its answer has the wrong length', async () => {
    const failing = submit.submit(player, action('a'));
    await settle();
    score.calls[0]?.fail(new AppError('SCORE_UNAVAILABLE'));
    await expect(failing).rejects.toMatchObject({ reason: 'SCORE_UNAVAILABLE' });
    const unfit = submit.submit(player, action('b'));
    await settle();
    score.calls[1]?.answer([ACCEPTED, ACCEPTED]);
    await expect(unfit).rejects.toThrow('answered with 2 results');
  });
});

describe('a flood from one client', () => {
  const greedy = (count: number, asking?: { holders: string[] }) =>
    Array.from({ length: count }, (_, index) =>
      submit.submit(asking === undefined ? player : from(index), action(`g${index}`), asking),
    );

  test.each([
    ['player', undefined],
    ['address', { holders: ['192.0.2.1'] }],
  ])('leaves half of the places to others: a %s', async (_, asking) => {
    const first = greedy(500, asking);
    await settle();
    const second = greedy(500, asking);
    await settle();
    const beyond = expect(Promise.all(greedy(1, asking))).rejects.toMatchObject({ reason: 'OVERLOADED' });
    const others = Array.from({ length: 500 }, (_, index) => submit.submit(from(1_000 + index), action('o')));
    await beyond;
    for (let call = 0; call < score.calls.length; call += 1) {
      score.calls[call]?.answer((score.calls[call]?.request.submissions ?? []).map(() => ACCEPTED));
      await settle();
    }
    expect(await Promise.all([...first, ...second, ...others])).toHaveLength(1_500);
    const again = Promise.all(greedy(1, asking));
    await settle();
    score.calls.at(-1)?.answer([ACCEPTED]);
    expect(await again).toHaveLength(1);
  });
});

describe('a client with an earlier deadline', () => {
  test('is answered when the deadline passes, and what was sent goes on', async () => {
    const answer = submit.submit(player, action('a'), { deadline: Deadline.after(200) });
    const refused = expect(answer).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    await settle();
    vi.advanceTimersByTime(200);
    await refused;
    score.calls[0]?.answer([ACCEPTED]);
    await submit.close();
  });

  test('is not sent if the deadline passed before a call was free', async () => {
    const stuck = Array.from({ length: 1_000 }, (_, index) =>
      submit.submit(from(index), action(`s${index}`)),
    );
    await settle();
    const answer = submit.submit(player, action('late'), { deadline: Deadline.after(100) });
    const refused = expect(answer).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    vi.advanceTimersByTime(101);
    await refused;
    for (const { request, answer } of score.calls) answer((request.submissions ?? []).map(() => ACCEPTED));
    await Promise.all(stuck);
    await submit.close();
    expect(score.calls).toHaveLength(2);
  });

  test('leaves no timer behind when the answer comes in time', async () => {
    const answer = submit.submit(player, action('a'), { deadline: Deadline.after(200) });
    await settle();
    score.calls[0]?.answer([ACCEPTED]);
    await answer;
    await settle();
    expect(vi.getTimerCount()).toBe(0);
  });
});
