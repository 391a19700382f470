/** An erasure asks first, and says what is done when it fails on the way. */
import { expect, it } from 'vitest';
import { eraseRevoked } from '../../../../services/cli/audit/erase.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { runWords } from '../fake-session.ts';

const known = { findPlayer: () => ({ known: true }) };
/** A folder without keys: a revocation fails there. */
const env = { DATA_DIR: '/nowhere', AUTH_KEYS_DIR: '/nowhere' };
const erase = (answers: Parameters<typeof runWords>[1], words: string[] = [], answer?: string) =>
  runWords(['audit', 'erase', 'bob', ...words], answers, { env, ...(answer !== undefined && { answer }) });

it('changes nothing while the score service cannot be reached', async () => {
  const findPlayer = () => {
    throw new AppError('SCORE_UNAVAILABLE');
  };
  expect(await erase({ findPlayer })).toMatchObject({
    ...{ code: 1, output: '', asked: [['findPlayer', { userId: 'bob' }]] },
    errors: 'the score service cannot be reached: "status" shows which processes are ready\n',
  });
});

it('changes nothing for a player of whom there is no data', async () => {
  expect(await erase({ findPlayer: () => ({ known: false }) })).toMatchObject({
    ...{ code: 1, output: '', errors: 'No data of this player is stored.\n' },
  });
});

it.each(['', 'n', 'no', 'bob'])('changes nothing if a person at the terminal answers %j', async (answer) => {
  expect(await erase(known, [], answer)).toMatchObject({
    ...{ code: 1, output: '', asked: [['findPlayer', { userId: 'bob' }]] },
    errors:
      'This revokes every token and signature of bob so far, and removes bob from every board and all data, for good. What counted stays in the log under a pseudonym. Continue? [y/N] not confirmed: nothing was changed\n',
  });
});

it.each([
  ['at a terminal, after "y"', [], 'y'],
  ['at a terminal, with --yes', ['--yes'], ''],
  ['without a terminal', [], undefined],
])('goes on %s, and erases nothing if the tokens cannot be revoked', async (_, words, answer) => {
  const { code, output, errors, asked } = await erase(known, words, answer);
  expect({ code, output, asked: asked.map(([method]) => method) }).toEqual({
    ...{ code: 1, output: '', asked: ['findPlayer'] },
  });
  expect(errors).toMatch(/the player is not erased: not revoked: bob\n$/);
});

it('that fails after the tokens were revoked says so', async () => {
  const erasePlayer = () => Promise.reject(new AppError('STORE_UNAVAILABLE'));
  await expect(eraseRevoked({ erasePlayer }, 'bob')).rejects.toThrow(
    /^the tokens of bob are revoked, but the player is not erased: Postgres cannot be reached.*; run the command again$/,
  );
});
