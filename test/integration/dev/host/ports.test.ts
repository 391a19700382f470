import { afterEach, expect, test, vi } from 'vitest';
import { freePort } from '../../../../dev/host/ports.ts';

afterEach(() => void vi.restoreAllMocks());

test('a free port is none of those to avoid', async () => {
  const first = vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const port = await freePort();
  first.mockReturnValueOnce(0.5).mockReturnValue(0.7);
  expect(await freePort([port])).not.toBe(port);
});
