import { expect, it } from 'vitest';
import { createPostgresPool } from '../../../../../services/shared/stores/postgres/postgres-pool.ts';

/** Nothing connects before there is something to send. */
const pool = createPostgresPool({
  ...{
    url: 'postgres://127.0.0.1:1/none',
    connections: 1,
    applicationName: 'test',
    statementTimeoutMs: 1_000,
  },
});

it('gives rows without the empty places that a broken result left before them', async () => {
  const rows: string[] = [];
  rows[3] = 'first';
  rows[4] = 'second';
  expect([...(await pool.run(async () => rows, 1_000))]).toEqual(['first', 'second']);
});

it.each([[[]], [['only']], [[undefined]], ['no rows']])('leaves %j as it is', async (result) => {
  expect(await pool.run(async () => result, 1_000)).toEqual(result);
});
