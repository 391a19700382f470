/** SCOREBOARD_MODE: how much a process trusts what is around it. Development works out of the box; production refuses to. */
import { type Environment, optionalText } from './env.ts';

export type Mode = 'development' | 'production';

export function parseMode(env: Environment): Mode {
  const mode = optionalText(env, 'SCOREBOARD_MODE') ?? 'development';
  if (mode === 'development' || mode === 'production') return mode;
  throw new Error(`SCOREBOARD_MODE must be development or production, not "${mode}"`);
}
