/** Command line and environment of the simulation. It sends load to this machine only, unless --allow-remote is given. */
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { ServiceIdentity } from '../../shared/identity/service-identity.ts';
import { readRunningStack } from '../../shared/identity/stack-file.ts';
import { findStackIdentity } from '../../shared/identity/stack-identity.ts';
import { givenServiceAddresses } from '../../shared/net/service-addresses.ts';
import { type Environment, optionalText, text } from '../../shared/settings/env.ts';
import { DEFAULT_LEADERBOARD, parseLeaderboard } from '../../shared/values/identifiers.ts';

export interface SimulateOptions {
  readonly players: number;
  /** Actions a second. */
  readonly rate: number;
  /** Undefined runs until stopped. */
  readonly seconds?: number;
  readonly leaderboard: string;
  readonly allowRemote: boolean;
}

export interface SimulateTarget {
  readonly edgeUrl: URL;
  /** host:port */
  readonly authAddress: string;
  readonly identity: ServiceIdentity;
}

/** An error that the operator can correct on the command line or in the environment. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The operator asked for the help, which is the message. */
export class HelpRequest extends Error {
  override readonly name = 'HelpRequest';
}

const MAX_PLAYERS = 100_000;
const MAX_RATE = 20_000;
const MAX_SECONDS = 24 * 60 * 60;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export function parseOptions(args: readonly string[]): SimulateOptions {
  let printed = '';
  const command = defineCommand((text) => {
    printed += text;
  });
  try {
    return command.parse(args, { from: 'user' }).opts<SimulateOptions>();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) throw new HelpRequest(printed);
    throw new UsageError(`${messageOf(error)}\n${command.helpInformation()}`);
  }
}

function defineCommand(write: (text: string) => void): Command {
  return new Command('npm run simulate --')
    .description('Submits the scores of simulated players to a running scoreboard.')
    .option('--players <count>', `number of players, up to ${MAX_PLAYERS}`, wholeNumber(MAX_PLAYERS), 1_000)
    .option('--rate <count>', `scores per second, up to ${MAX_RATE}`, wholeNumber(MAX_RATE), 200)
    .option('--seconds <count>', 'length of the run (default: until stopped)', wholeNumber(MAX_SECONDS))
    .option('--leaderboard <id>', 'the board', parseLeaderboard, DEFAULT_LEADERBOARD)
    .option('--allow-remote', 'permit load on another machine', false)
    .helpOption('--help', 'this help')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
}

function wholeNumber(max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    if (number >= 1 && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Addresses and identity from the environment, or else from the stack that runs in DATA_DIR. */
export function findTarget(env: Environment, { allowRemote }: SimulateOptions): SimulateTarget {
  const dataDir = resolve(text(env, 'DATA_DIR'));
  const addresses = readRunningStack(dataDir)?.addresses;
  const edge = optionalText(env, 'EDGE_URL') ?? addresses?.edgeUrl;
  const authAddress = givenServiceAddresses(env, 'AUTH_ADDRESS') ?? addresses?.authAddress;
  if (edge === undefined || authAddress === undefined) {
    throw new UsageError(
      `no scoreboard is running in ${dataDir}: start one with "npm start", or set EDGE_URL and AUTH_ADDRESS`,
    );
  }
  const edgeUrl = URL.parse(edge);
  if (edgeUrl === null || !/^https?:$/.test(edgeUrl.protocol)) {
    throw new UsageError(`EDGE_URL must be an http or https URL, not "${edge}"`);
  }
  if (!allowRemote && !LOOPBACK.test(edgeUrl.hostname)) {
    throw new UsageError(`${edgeUrl.hostname} is not this machine: add --allow-remote to send load there`);
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
