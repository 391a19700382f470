/** What an operator reads when a service refuses. */
import { expect, it } from 'vitest';
import { describeFailure } from '../../../../services/cli/terminal/operator-words.ts';
import { AppError, isReason, REASONS } from '../../../../services/shared/errors/app-error.ts';

it('no refusal speaks to an operator about what counts, as it does to a player', () => {
  const reasons = Object.keys(REASONS).filter(isReason);
  expect(reasons.length).toBeGreaterThan(40);
  const forPlayers = reasons.filter((reason) =>
    /was counted|counts once|retry unchanged|retry it unchanged|boards cannot be read/i.test(
      describeFailure(new AppError(reason)),
    ),
  );
  expect(forPlayers).toEqual([]);
});

it('a message of a command stays as it is, on one line end', () => {
  expect(describeFailure(new Error('no scoreboard runs in /data\n'))).toBe('no scoreboard runs in /data');
  expect(describeFailure(new AppError('LIMITS_INVALID', { message: 'There are 9 rules already.' }))).toBe(
    'There are 9 rules already.',
  );
});
