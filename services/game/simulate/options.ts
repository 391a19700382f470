/** The command line and environment of the simulated crowd. Load goes to this machine unless the operator says otherwise. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ServiceIdentity } from '../../shared/identity/service-identity.ts';
import { readRunningStack } from '../../shared/identity/stack-file.ts';
import { findStackIdentity } from '../../shared/identity/stack-identity.ts';
import { type Environment, optionalText, text } from '../../shared/settings/env.ts';
import { parseLeaderboard } from '../../shared/values/identifiers.ts';

export interface SimulateOptions {
  readonly players: number;
  /** Actions a second. */
  readonly rate: number;
  /** Infinity: until it is stopped. */
  readonly seconds: number;
  readonly leaderboard: string;
  readonly allowRemote: boolean;
}

export interface SimulateTarget {
  readonly edgeUrl: URL;
  /** host:port */
  readonly authAddress: string;
  readonly identity: ServiceIdentity;
}

/** Something that the operator can put right on the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const USAGE =
  'npm run simulate -- [--players 1000] [--rate 200] [--seconds 60] [--leaderboard global] [--allow-remote]';
const MAX_PLAYERS = 100_000;
const MAX_RATE = 20_000;
const MAX_SECONDS = 24 * 60 * 60;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export function parseOptions(args: readonly string[]): SimulateOptions {
  const values = parseWords(args);
  try {
    return {
      players: wholeNumber('players', values.players, MAX_PLAYERS),
      rate: wholeNumber('rate', values.rate, MAX_RATE),
      seconds:
        values.seconds === undefined
          ? Number.POSITIVE_INFINITY
          : wholeNumber('seconds', values.seconds, MAX_SECONDS),
      leaderboard: parseLeaderboard(values.leaderboard),
      allowRemote: values['allow-remote'],
    };
  } catch (error) {
    throw new UsageError(`${messageOf(error)}\n${USAGE}`);
  }
}

function parseWords(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        players: { type: 'string', default: '1000' },
        rate: { type: 'string', default: '200' },
        seconds: { type: 'string' },
        leaderboard: { type: 'string', default: '' },
        'allow-remote': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${messageOf(error)}\n${USAGE}`);
  }
}

function wholeNumber(name: string, value: string, max: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > max) {
    throw new UsageError(`--${name} must be a whole number from 1 to ${max}, not "${value}"`);
  }
  return number;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where the stack is, and what it is shown: what the environment says, else what the one in DATA_DIR wrote down. */
export function findTarget(env: Environment, { allowRemote }: SimulateOptions): SimulateTarget {
  const dataDir = resolve(text(env, 'DATA_DIR', '.data'));
  const addresses = readRunningStack(dataDir)?.addresses;
  const edge = optionalText(env, 'EDGE_URL') ?? addresses?.edgeUrl;
  const authAddress = optionalText(env, 'AUTH_ADDRESS') ?? addresses?.authAddress;
  if (edge === undefined || authAddress === undefined) {
    throw new UsageError(
      `no scoreboard runs in ${dataDir}: start it with "npm start", or set EDGE_URL and AUTH_ADDRESS`,
    );
  }
  const edgeUrl = URL.parse(edge);
  if (edgeUrl === null || !/^https?:$/.test(edgeUrl.protocol)) {
    throw new UsageError(`EDGE_URL must be an http or https address, not "${edge}"`);
  }
  if (!allowRemote && !LOOPBACK.test(edgeUrl.hostname)) {
    throw new UsageError(`${edgeUrl.hostname} is not this machine: load goes there only with --allow-remote`);
  }
  return { edgeUrl, authAddress, identity: ownIdentity(env, dataDir) };
}

function ownIdentity(env: Environment, dataDir: string): ServiceIdentity {
  try {
    return findStackIdentity(env, dataDir, 'game');
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
}
