/** SCOREBOARD_MODE: development works without any setup; production refuses settings that are unsafe. */
import { type Environment, text } from './env.ts';

export type Mode = 'development' | 'production';

export function parseMode(env: Environment): Mode {
  const mode = text(env, 'SCOREBOARD_MODE');
  if (mode === 'development' || mode === 'production') return mode;
  throw new Error(`SCOREBOARD_MODE must be development or production, not "${mode}"`);
}
