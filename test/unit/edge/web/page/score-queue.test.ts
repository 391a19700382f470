import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../../../../edge/web/page/api.ts';
import type { Place } from '../../../../../edge/web/page/place.ts';
import { QUEUE_MAX, ScoreQueue, type SignedAction } from '../../../../../edge/web/page/score-queue.ts';

const action = (actionId: string): SignedAction => ({ actionId, points: 5, signature: 'v1.s' });
const refused = (status: number, reason: string, retryAfterMs = 0) =>
  new ApiError(status, reason, reason, retryAfterMs);

let answers: (Place | Error)[];
let submitted: SignedAction[];
let accepted: string[];
let dropped: string[];
let pending: number;
let queue: ScoreQueue;

beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
  submitted = [];
  accepted = [];
  dropped = [];
  pending = 0;
  queue = new ScoreQueue({
    submit: async (sent) => {
      submitted.push(sent);
      const answer = answers.shift() ?? { score: 5, rank: 1 };
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onAccepted: (_answer, { actionId }) => accepted.push(actionId),
    onDropped: ({ actionId }, error) => dropped.push(`${actionId}: ${error.message}`),
    onPending: (actions) => {
      pending = actions.length;
    },
    random: () => 1,
  });
});

afterEach(() => {
  queue.clear();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('the score queue', () => {
  it('sends in the order of play, one at a time', async () => {
    queue.add(action('a'), action('b'));
    queue.add(action('c'));
    expect(submitted).toHaveLength(1);
    await pass(0);
    expect(accepted).toEqual(['a', 'b', 'c']);
    expect(pending).toBe(0);
  });

  it.each([
    refused(0, 'NETWORK'),
    refused(429, 'RATE_LIMITED'),
    refused(503, 'OUTCOME_UNKNOWN'),
    refused(504, 'DEADLINE_EXCEEDED'),
  ])('sends the very same action again after $reason, and counts it pending meanwhile', async (error) => {
    answers = [error, error];
    queue.add(action('a'));
    await pass(0);
    expect(pending).toBe(1);
    await pass(600);
    expect(submitted).toHaveLength(2);
    await pass(1_200);
    expect(submitted).toEqual([action('a'), action('a'), action('a')]);
    expect(accepted).toEqual(['a']);
    expect(dropped).toEqual([]);
  });

  it('waits as long as the server asks', async () => {
    answers = [refused(429, 'RATE_LIMITED', 5_000)];
    queue.add(action('a'));
    await pass(4_999);
    expect(submitted).toHaveLength(1);
    await pass(1);
    expect(accepted).toEqual(['a']);
  });

  it.each([
    refused(403, 'SIGNATURE_EXPIRED'),
    refused(409, 'ACTION_CONFLICT'),
    refused(400, 'POINTS_INVALID'),
  ])('gives up what will never count ($reason) and goes on with the next', async (error) => {
    answers = [error];
    queue.add(action('a'), action('b'));
    await pass(0);
    expect(dropped).toEqual([`a: ${error.reason}`]);
    expect(accepted).toEqual(['b']);
  });

  it('tries a refused token anew, but not for ever', async () => {
    answers = [refused(401, 'TOKEN_INVALID'), { score: 5, rank: 1 }];
    queue.add(action('a'));
    await pass(1_000);
    expect(accepted).toEqual(['a']);
    answers = Array.from({ length: 9 }, () => refused(401, 'TOKEN_INVALID'));
    queue.add(action('b'));
    await pass(60_000);
    expect(dropped).toEqual(['b: TOKEN_INVALID']);
  });

  it('does not wait for an answer when a new action comes during a pause', async () => {
    answers = [refused(503, 'OVERLOADED')];
    queue.add(action('a'));
    await pass(0);
    queue.add(action('b'));
    await pass(0);
    expect(submitted).toHaveLength(1);
    await pass(600);
    expect(accepted).toEqual(['a', 'b']);
  });

  it('has a limit, and says what fell over it', async () => {
    answers = [refused(0, 'NETWORK')];
    queue.add(...Array.from({ length: QUEUE_MAX + 1 }, (_, index) => action(`a${index}`)));
    expect(pending).toBe(QUEUE_MAX);
    expect(dropped).toHaveLength(1);
  });

  it('forgets everything when the player leaves, a late answer too', async () => {
    queue.add(action('a'), action('b'));
    queue.clear();
    await pass(60_000);
    expect(accepted).toEqual([]);
    expect(submitted).toHaveLength(1);
    expect(pending).toBe(0);
  });
});
