/** What a scenario is given and gives back. */

import type { Line } from '../measure/lines.ts';
import type { World } from '../world/world.ts';
import type { Arguments } from './arguments.ts';

export interface Setting {
  readonly args: Arguments;
  /** Says what comes next. Throws when the run was told to stop: what is under way is then taken down in order. */
  step(words: string): void;
  /** The product with its ten thousand players, started once and shared by the scenarios that leave it as it is. */
  world(): Promise<World>;
}

export type Scenario = (setting: Setting) => Promise<Line[]>;

/** The timed part of one run in seconds: as asked, or the scenario's own. */
export function secondsOf({ args }: Pick<Setting, 'args'>, own: number, quick = 2): number {
  return args.seconds ?? (args.quick ? quick : own);
}

/** Whether a line was asked for. */
export function wants({ args }: Pick<Setting, 'args'>, line: string): boolean {
  return args.line === undefined || line.toLowerCase().includes(args.line.toLowerCase());
}

let uses = 0;
/** Action ids begin with something that no other run used. */
export function freshPrefix(name: string): string {
  uses += 1;
  return `${name}-${Date.now().toString(36)}${uses.toString(36)}`;
}
