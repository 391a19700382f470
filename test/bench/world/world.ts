/**
 * What is under test: the whole product as `npm start` starts it, in a data folder and on ports of its own, and ten
 * thousand players with tokens. Settings differ from the defaults only where one machine plays all the players.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { keyFile } from '../../../services/provision/secrets.ts';
import { addressAs, passwordFile } from '../../../services/provision/store-passwords.ts';
import { createGrpcClient } from '../../../services/shared/grpc/grpc.ts';
import type { ServiceName } from '../../../services/shared/identity/service-keys.ts';
import { secretsDir } from '../../../services/shared/identity/stack-file.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { runLoad } from '../generator/load.ts';
import type { GeneratorCalls } from '../generator/main.ts';
import { introduction, type Player } from '../generator/requests.ts';
import { startChild } from '../processes/calls.ts';
import type { ProcessGroup } from '../processes/usage.ts';

export interface World {
  readonly stack: StackProcesses;
  readonly edgePort: number;
  readonly fanoutPort: number;
  readonly authAddress: string;
  readonly scoreAddress: string;
  readonly rankAddress: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly natsUrl: string;
  readonly players: readonly Player[];
  /** A service's key, as its own process reads it. */
  serviceKey(name: ServiceName): string;
  /** The processes of the product and its servers, and more of the bench's own. */
  groups(...more: readonly ProcessGroup[]): ProcessGroup[];
  stop(): Promise<void>;
}

export const PLAYERS = 10_000;
/** All players share one address, which is exempt by default; each stays below the limit of its own. */
export const BENCH_SETTINGS: Readonly<Record<string, string>> = {
  TOKEN_LIFETIME_S: '3600',
  ACTION_LIFETIME_S: '3600',
  LOG_LEVEL: 'warn',
};
const TOKENS_IN_FLIGHT = 64;
const INTRODUCTION_LIMIT_S = 30;
const DEADLINE_MS = 10_000;

export async function startWorld({
  players = PLAYERS,
  settings = {},
  step,
}: {
  players?: number;
  settings?: Readonly<Record<string, string>>;
  step: (words: string) => void;
}): Promise<World> {
  step('starting the product');
  const nodeOptions =
    process.env.NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS: process.env.NODE_OPTIONS };
  const stack = await startStackProcesses({ env: { ...nodeOptions, ...BENCH_SETTINGS, ...settings } });
  try {
    const { addresses, processes } = stack.stack();
    if (addresses === undefined) throw new Error('the stack has no addresses');
    const serviceKey = (name: ServiceName) =>
      readFileSync(keyFile(secretsDir(stack.dataDir), name), 'utf8').trim();
    const passwordOf = (store: 'redis' | 'nats') =>
      readFileSync(passwordFile(secretsDir(stack.dataDir), store, 'admin'), 'utf8').trim();
    const password = readFileSync(join(stack.dataDir, 'postgres', 'password'), 'utf8').trim();
    const database = new URL(addresses.databaseUrl);
    database.username = 'postgres';
    database.password = password;
    if (players > 0) step(`issuing ${players} tokens, and using each once`);
    const edgePort = Number(new URL(addresses.edgeUrl).port);
    const issued = await issueTokens(addresses.authAddress, serviceKey('cli'), players);
    await introduce(issued, edgePort);
    return {
      stack,
      edgePort,
      fanoutPort: Number(new URL(addresses.fanoutUrl).port),
      authAddress: addresses.authAddress,
      scoreAddress: addresses.scoreAddress,
      rankAddress: addresses.rankAddress,
      databaseUrl: database.href,
      redisUrl: addressAs(addresses.redisUrl, 'admin', passwordOf('redis')),
      natsUrl: addressAs(addresses.natsUrl, 'admin', passwordOf('nats')),
      players: issued,
      serviceKey,
      groups: (...more) => [
        ...Object.entries(processes)
          .filter(([name]) => name !== 'game')
          .map(([name, { pid }]) => ({ name, pid, withChildren: name === 'postgres' })),
        ...more,
      ],
      stop: async () => void (await stack.stop()),
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/** A generator that knows the world's players. */
export async function startGenerator(world: World) {
  const generator = startChild<GeneratorCalls>(new URL('../generator/main.ts', import.meta.url));
  await generator.call('players', { players: [...world.players] });
  return generator;
}

/**
 * Every player comes by once, so that the edge knows the tokens, as it does after the first seconds of a day.
 */
async function introduce(players: readonly Player[], port: number): Promise<void> {
  const requests = players.map(introduction);
  await runLoad(requests, { port, connections: TOKENS_IN_FLIGHT, seconds: INTRODUCTION_LIMIT_S, warmupS: 0 });
}

async function issueTokens(address: string, serviceKey: string, count: number): Promise<Player[]> {
  const auth = createGrpcClient(AuthService, { address, serviceKey, unavailable: 'AUTH_UNAVAILABLE' });
  const players: Player[] = new Array<Player>(count);
  let next = 0;
  async function work(): Promise<void> {
    while (next < count) {
      const index = next++;
      const userId = `player-${String(index).padStart(5, '0')}`;
      const { accessToken } = await auth.issueToken({ userId }, { limitMs: DEADLINE_MS });
      players[index] = { userId, token: accessToken };
    }
  }
  try {
    await Promise.all(Array.from({ length: TOKENS_IN_FLIGHT }, work));
  } finally {
    auth.close();
  }
  return players;
}
