/** A game server with a log that the test reads, and what its answers have in common. */
import { pino } from 'pino';
import { expect } from 'vitest';
import type { Answer } from '../../support/clients/edge-client.ts';
import { startGameWorld } from '../../support/worlds/game-world.ts';

/** A game world, and a check that it logged no secret and no error. */
export async function startLoggedGame() {
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line) => logged.push(line) });
  const world = await startGameWorld({ log });
  return {
    world,
    expectCleanLog(): void {
      const text = logged.join('');
      expect(logged.length).toBeGreaterThan(0);
      expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{10}|v1\.[A-Za-z0-9_-]+\.\d+\./);
      expect(text).not.toContain(world.authWorld.serviceKeys.get('game') ?? '');
      expect(logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
    },
  };
}

export function expectRefusal(answer: Answer, status: number, reason: string): void {
  expect(answer).toMatchObject({ status, body: { reason } });
  expect(Object.keys(answer.body)).toEqual(['code', 'reason', 'message']);
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.headers.get('x-request-id')).not.toBeNull();
}
