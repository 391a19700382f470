import { expect, it } from 'vitest';
import { parseLocalConfig } from '../../../dev/config.ts';
import { adminPortOf } from '../../../dev/site/local-config.ts';

const parse = (env: Record<string, string>) => parseLocalConfig({ DATA_DIR: '/data', ...env });

it('the admin port of a process follows from its port', () => {
  expect(adminPortOf(parse({ EDGE_PORT: '8080' }), 'edge')).toBe(9_080);
});

it.each([
  [{ EDGE_PORT: '64536' }, 'EDGE_PORT must be a whole number from 1 to 64535, not "64536"'],
  [{ EDGE_PORT: '0' }, 'EDGE_PORT must be a whole number from 1 to 64535, not "0"'],
  [{ EDGE_PORT: '7000', GAME_PORT: '7000' }, 'EDGE_PORT and GAME_PORT are both 7000'],
  [{ EDGE_PORT: '8000', GAME_PORT: '7000' }, 'EDGE_PORT and GAME_PORT + 1000 are both 8000'],
  [{ AUTH_PORT: '7000', GAME_PORT: '8000' }, 'AUTH_PORT + 1000 and GAME_PORT are both 8000'],
])('%j is refused: %s', (env, message) => {
  expect(() => parse(env as Record<string, string>)).toThrow(message);
});
