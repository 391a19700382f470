import { describe, expect, test } from 'vitest';
import { assertSoundRuntime, isSoundRuntime } from '../../../../services/shared/process/runtime-gate.ts';

describe('the runtime gate', () => {
  test.each(['v20.20.2', 'v20.21.0', 'v22.22.2', 'v22.23.3', 'v24.14.1', 'v24.15.0', 'v25.8.2', 'v26.0.0'])(
    'lets %s hold keys',
    (version) => {
      expect(() => assertSoundRuntime(version)).not.toThrow();
    },
  );

  test.each([
    'v18.20.8',
    'v20.20.1',
    'v21.7.3',
    'v22.22.1',
    'v22.9.9',
    'v23.11.0',
    'v24.14.0',
    'v25.8.1',
    'nonsense',
    '',
  ])('refuses %s', (version) => {
    expect(isSoundRuntime(version)).toBe(false);
    expect(() => assertSoundRuntime(version)).toThrow('CVE-2026-21713');
  });

  test('lets the Node that runs these tests meet keys', () => {
    expect(isSoundRuntime(process.version)).toBe(true);
  });
});
