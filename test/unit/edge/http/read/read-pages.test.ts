/** Pages under way at an edge: their number, and the share of one address. */
import { expect, it } from 'vitest';
import { createReadPages, type ReadPagesOptions } from '../../../../../edge/http/read/read-pages.ts';

const QUERY = { leaderboard: 'global', limit: 10, start: { case: undefined } } as const;

it('are 500 at most, and one address has as many as are free', async () => {
  const waiting: (() => void)[] = [];
  const rank = { listEntries: () => new Promise<void>((resolve) => waiting.push(resolve)) };
  const { page } = createReadPages({ rank } as unknown as ReadPagesOptions);
  const from = (holder: string) => page(QUERY, 'id', { holders: [holder] });
  const greedy = Array.from({ length: 250 }, () => from('greedy'));
  await expect(from('greedy')).rejects.toMatchObject({ reason: 'OVERLOADED' });
  const others = Array.from({ length: 250 }, (_, at) => from(`other${at}`));
  await expect(from('one more')).rejects.toMatchObject({ reason: 'OVERLOADED' });
  for (const answer of waiting) answer();
  await Promise.all([...greedy, ...others]);
  const again = from('greedy');
  waiting.at(-1)?.();
  await again;
});
