/** The form of a setting's definition. */

/** The programs that read settings: our six processes, the supervisor, the command line and three smaller programs. */
export type Program = Unit | 'npm start' | 'cli' | 'simulate' | 'migrate' | 'redis-scripts';
type Unit = 'auth' | 'score' | 'rank' | 'edge' | 'fanout' | 'game';

export interface Setting {
  /** The programs that read it. */
  readonly of: readonly Program[];
  /** The value if it is not set, as an operator would write it. */
  readonly default?: string;
  /** Describes a default that is not a constant, or what it means that there is none. */
  readonly otherwise?: string;
  /** Whether it may be given as NAME_FILE too: the path of a file that holds the value. */
  readonly secret?: true;
  readonly meaning: string;
}

export const UNITS = ['auth', 'score', 'rank', 'edge', 'fanout', 'game'] as const;
/** Processes that accept calls from players and pages. */
export const PUBLIC = ['edge', 'fanout', 'game'] as const;
/** Processes that only our own processes call. */
export const INTERNAL = ['auth', 'score', 'rank'] as const;
