/** What any gRPC tool finds on the internal ports without knowing us: reflection and health. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ScoreWorld, startScoreWorld } from '../../../support/worlds/score/score-world.ts';

const BUF = join(fileURLToPath(new URL('../../../../', import.meta.url)), 'node_modules/.bin/buf');
/** HealthCheckResponse { status: SERVING } on the wire. */
const SERVING = '0801';

let world: ScoreWorld;
beforeAll(async () => {
  world = await startScoreWorld({});
});
afterAll(() => world?.stop());

const addresses: Record<string, () => string> = {
  'scoreboard.auth.v1.AuthService': () => world.authAddress,
  'scoreboard.score.v1.ScoreService': () => world.scoreAddresses[0] ?? '',
  'scoreboard.rank.v1.RankService': () => world.rankAddresses[0] ?? '',
};

async function buf(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(BUF, [
    'curl',
    '--http2-prior-knowledge',
    '--protocol',
    'grpc',
    ...args,
  ]);
  return stdout;
}

/** The answer's bytes in hexadecimal. */
function check(address: string, service: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const request = Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
  return new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes.toString('hex'),
      service === '' ? Buffer.alloc(0) : request,
      (error, answer) => (error === null ? resolve(answer ?? '') : reject(error)),
    );
  }).finally(() => client.close());
}

const METHODS: Readonly<Record<string, string>> = {
  'scoreboard.auth.v1.AuthService': 'GetKeySet',
  'scoreboard.score.v1.ScoreService': 'SubmitScore',
  'scoreboard.rank.v1.RankService': 'GetTop',
};

describe.each(Object.entries(addresses))('%s', (service, address) => {
  test('describes itself by reflection, down to its methods', async () => {
    expect(await buf('--list-services', `http://${address()}`)).toContain(service);
    const methods = await buf('--list-methods', `http://${address()}`);
    expect(methods).toContain(`${service}/`);
  });

  test('says that it serves, as a whole and by name', async () => {
    expect(await check(address(), '')).toBe(SERVING);
    expect(await check(address(), service)).toBe(SERVING);
  });

  test('refuses a call that a reflecting tool makes without a key', async () => {
    await expect(buf('-d', '{}', `http://${address()}/${service}/${METHODS[service]}`)).rejects.toThrow(
      /SERVICE_KEY_INVALID|known service/,
    );
  });
});
