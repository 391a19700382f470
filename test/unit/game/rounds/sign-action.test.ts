import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { SignActionResponseSchema } from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { Outcome } from '../../../../services/game/rounds/round.ts';
import { createActionSigner } from '../../../../services/game/rounds/sign-action.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';

const outcome = (target: number): Outcome => ({ target, verdict: 'hit', reactionMs: 300, points: 95 });

function openSigner(failures = 0) {
  const calls: unknown[] = [];
  let signed = 0;
  const sign = createActionSigner(
    {
      async signAction({ action }) {
        calls.push(action);
        if (calls.length <= failures) throw new AppError('AUTH_UNAVAILABLE');
        return create(SignActionResponseSchema, { signature: `signature ${calls.length}` });
      },
    },
    () => {
      signed += 1;
    },
  );
  const hit = (of: Outcome) => sign({ userId: 'ann', roundId: 'r_1', outcome: of, requestId: 'q' });
  return { hit, calls, signed: () => signed };
}

describe('signing an outcome', () => {
  test('calls auth once for the same outcome, also for concurrent requests', async () => {
    const { hit, calls, signed } = openSigner();
    const same = outcome(3);
    const answers = await Promise.all([hit(same), hit(same), hit(same)]);
    answers.push(await hit(same));
    expect(calls).toEqual([{ userId: 'ann', actionId: 'r_1-3', points: 95n }]);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toEqual({ actionId: 'r_1-3', points: 95, signature: 'signature 1' });
    expect(signed()).toBe(1);
  });

  test('tries again after a failure, with the same action', async () => {
    const { hit, calls } = openSigner(1);
    const same = outcome(0);
    await expect(hit(same)).rejects.toMatchObject({ reason: 'AUTH_UNAVAILABLE' });
    expect(await hit(same)).toMatchObject({ actionId: 'r_1-0', points: 95 });
    expect(calls[1]).toEqual(calls[0]);
  });

  test('gives every target its own action id', async () => {
    const { hit } = openSigner();
    const [one, other] = await Promise.all([hit(outcome(0)), hit(outcome(1))]);
    expect(one.actionId).not.toBe(other.actionId);
  });
});
