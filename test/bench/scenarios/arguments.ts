/** The command line of the bench. */

export const SCENARIOS = [
  'ordinary',
  'submit',
  'open',
  'mixed',
  'fanout',
  'read',
  'growth',
  'recovery',
  'overload',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Arguments {
  readonly scenarios: readonly ScenarioName[];
  /** Only lines whose names contain this, where a scenario has lines that can be run alone. */
  readonly line: string | undefined;
  /** Length of one timed run; a scenario's own when left out. */
  readonly seconds: number | undefined;
  /** Connections of closed loops; a scenario's own when left out. */
  readonly connections: readonly number[] | undefined;
  /** How often each contender runs. */
  readonly rounds: number;
  /** Writes the lines here as well. */
  readonly json: string | undefined;
  /** Leaves CPU profiles of the product's processes in this folder. Costs a few percent: not for figures. */
  readonly profile: string | undefined;
  /** Shorter runs and smaller sizes: shows that everything works, not how fast it is. */
  readonly quick: boolean;
}

export const USAGE = `npm run bench -- [--scenario ${SCENARIOS.join('|')}]… [--line WORDS] [--seconds N] [--connections N[,N…]]
                 [--rounds N] [--json FILE] [--profile FOLDER] [--quick]`;

const MAX_SECONDS = 600;
const MAX_CONNECTIONS = 10_000;
const MAX_ROUNDS = 20;
const DEFAULT_ROUNDS = 2;

/** Throws with a line for the person at the terminal. */
export function parseArguments(words: readonly string[]): Arguments {
  const scenarios: ScenarioName[] = [];
  let seconds: number | undefined;
  let rounds: number | undefined;
  let line: string | undefined;
  let json: string | undefined;
  let profile: string | undefined;
  let quick = false;
  let connections: number[] | undefined;
  const rest = words.flatMap((word) => (/^--\w+=/.test(word) ? splitOnce(word) : [word]));
  for (let at = 0; at < rest.length; at += 1) {
    const option = rest[at] ?? '';
    if (option === '--quick') {
      quick = true;
      continue;
    }
    at += 1;
    const value = rest[at];
    if (value === undefined) throw new Error(`${option} needs a value\n${USAGE}`);
    if (option === '--scenario') scenarios.push(...value.split(',').map(parseScenario));
    else if (option === '--seconds') seconds = parseCount(option, value, MAX_SECONDS);
    else if (option === '--connections') {
      connections = value.split(',').map((count) => parseCount(option, count, MAX_CONNECTIONS));
    } else if (option === '--rounds') rounds = parseCount(option, value, MAX_ROUNDS);
    else if (option === '--line') line = value;
    else if (option === '--json') json = value;
    else if (option === '--profile') profile = value;
    else throw new Error(`unknown option ${option}\n${USAGE}`);
  }
  return {
    // In the order in which they are listed, whatever the order in which they were asked for.
    scenarios: SCENARIOS.filter((name) => scenarios.length === 0 || scenarios.includes(name)),
    ...{ line, seconds, connections, json, profile, quick },
    rounds: rounds ?? (quick ? 1 : DEFAULT_ROUNDS),
  };
}

function splitOnce(word: string): string[] {
  const equals = word.indexOf('=');
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function parseScenario(name: string): ScenarioName {
  const known = SCENARIOS.find((scenario) => scenario === name);
  if (known === undefined) throw new Error(`there is no scenario "${name}"\n${USAGE}`);
  return known;
}

function parseCount(option: string, value: string, max: number): number {
  const count = Number(value);
  if (!/^\d+$/.test(value) || count < 1 || count > max) {
    throw new Error(`${option} must be a whole number from 1 to ${max}, not "${value}"`);
  }
  return count;
}
