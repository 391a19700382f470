import { describe, expect, test, vi } from 'vitest';
import { recordNames } from '../../../../../services/auth/players/record-names.ts';
import { createSilentLog } from '../../../../../services/shared/telemetry/log.ts';
import { createNameRecorder } from '../../../../../services/shared/tokens/players/name-recorder.ts';
import { createUserIdOf } from '../../../../../services/shared/tokens/players/player-id.ts';
import { eventually } from '../../../../support/eventually.ts';

const userIdOf = createUserIdOf(Buffer.alloc(32, 7));
const [ADA, BOB] = [userIdOf('ada'), userIdOf('bob')];

describe('the names that tokens give', () => {
  test('are reported together, and each once while it stays the same', async () => {
    const calls: unknown[] = [];
    const recordNames = vi.fn(async ({ names }: { names: unknown }) => calls.push(names));
    const { note } = createNameRecorder({ auth: { recordNames } as never, log: createSilentLog() });
    for (let times = 0; times < 3; times += 1) {
      note({ userId: ADA, username: 'Ada' });
      note({ userId: BOB, username: 'Bob' });
    }
    await eventually(() => expect(calls.flat()).toHaveLength(2));
    note({ userId: ADA, username: 'Ada L.' });
    await eventually(() => expect(calls.flat()).toHaveLength(3));
    expect(calls.flat().at(-1)).toEqual({ userId: ADA, username: 'Ada L.' });
  });

  test('are reported again with the next token when auth did not answer', async () => {
    const recordNames = vi.fn(async () => Promise.reject(new Error('away')));
    const { note } = createNameRecorder({ auth: { recordNames } as never, log: createSilentLog() });
    note({ userId: ADA, username: 'Ada' });
    await eventually(() => {
      note({ userId: ADA, username: 'Ada' });
      expect(recordNames.mock.calls.length).toBeGreaterThan(1);
    });
  });
});

describe('auth', () => {
  const upsert = vi.fn(async (_profile: unknown) => '');
  const options = { profiles: { upsert }, isDenied: (name: string) => name === 'Denied' };

  test('writes the names that are allowed', async () => {
    upsert.mockClear();
    await recordNames(
      [
        { userId: ADA, username: 'Ada' },
        { userId: BOB, username: 'Denied' },
        { userId: BOB, username: 'a\u0000b' },
      ],
      options,
    );
    expect(upsert.mock.calls).toEqual([[{ userId: ADA, username: 'Ada', isNamed: true }]]);
  });

  test('renames no player of a game server for a process at the border', async () => {
    upsert.mockClear();
    const names = [
      { userId: ADA, username: 'Ada' },
      { userId: 'alice', username: 'Mallory' },
    ];
    await expect(recordNames(names, options)).rejects.toMatchObject({ reason: 'USER_ID_INVALID' });
    expect(upsert).not.toHaveBeenCalled();
  });
});
