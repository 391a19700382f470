import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ActionVerdict_Status as Status } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { readKeys } from '../../../services/auth/keys/key-file.ts';
import { listKeys, PUBLISH_DELAY_MS, rotateKey, withdrawKey } from '../../../services/auth/keys/key-store.ts';
import { digestServiceKeys } from '../../../services/shared/identity/service-keys.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createTokenVerifier } from '../../../services/shared/tokens/token-verifier.ts';
import { sentAgain } from '../../support/clients/sent-again.ts';
import { eventually } from '../../support/eventually.ts';
import { type AuthWorld, startAuthWorld } from '../../support/worlds/auth-world.ts';

const ACTION = { leaderboard: 'global', userId: 'alice', actionId: 'a1', points: 100n };
const SOON = { limitMs: 30_000 };
/** The service looks at its files once a second. */

let world: AuthWorld;
beforeAll(async () => {
  world = await startAuthWorld();
});
afterAll(() => world.stop());

const issue = async () =>
  (await sentAgain(() => world.as('game').issueToken({ userId: 'alice' }, SOON))).accessToken;
const sign = async () => (await world.as('game').signAction({ action: ACTION }, SOON)).signature;
const verify = (accessToken: string) => world.as('edge').verifyToken({ accessToken }, SOON);
const judge = async (signature: string) => {
  const request = { actions: [{ action: ACTION, signature }] };
  return (await world.as('score').verifyActions(request, SOON)).verdicts[0];
};
const keyIdOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
const published = async () => {
  const { jwksJson } = await world.as('edge').getKeySet({}, SOON);
  return (JSON.parse(jwksJson) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
};
const signing = (kind: 'token' | 'action') =>
  listKeys(world.keysDir, kind, world.clock).find(({ state }) => state === 'signing')?.kid ?? '';

describe('signing keys', () => {
  test('survive a restart', async () => {
    const [token, signature, keys] = [await issue(), await sign(), await published()];
    await world.restart();
    expect(await verify(token)).toMatchObject({ userId: 'alice' });
    expect(await judge(signature)).toMatchObject({ status: Status.VALID });
    expect(await published()).toEqual(keys);
  });

  test('rotate without a restart, without one refused token, and never sign before they are published', async () => {
    const verifier = createTokenVerifier({
      policy: { issuer: 'scoreboard', audience: 'scoreboard', outside: [] },
      auth: world.as('fanout'),
      clock: world.clock,
      log: createSilentLog(),
    });
    try {
      const [before, oldSignature] = [await issue(), await sign()];
      const newToken = await rotateKey(world.keysDir, 'token', world.clock);
      const newAction = await rotateKey(world.keysDir, 'action', world.clock);
      await eventually(async () => expect(await published()).toContain(newToken));
      expect(keyIdOf(await issue())).toBe(keyIdOf(before));
      expect((await judge(await sign()))?.keyId).not.toBe(newAction);

      world.clock.aheadMs += PUBLISH_DELAY_MS;
      await eventually(async () => {
        const token = await issue();
        expect(await verifier.verify(token)).toMatchObject({ userId: 'alice' });
        expect(keyIdOf(token)).toBe(newToken);
        expect((await judge(await sign()))?.keyId).toBe(newAction);
      });
      expect(await verify(before)).toMatchObject({ userId: 'alice' });
      expect(await verifier.verify(before)).toMatchObject({ userId: 'alice' });
      expect(await judge(oldSignature)).toMatchObject({ status: Status.VALID });
    } finally {
      verifier.close();
    }
  });

  test('that are withdrawn hold nothing any more, and others take over', async () => {
    const [token, signature] = [await issue(), await sign()];
    await withdrawKey(world.keysDir, 'token', signing('token'), world.clock);
    await withdrawKey(world.keysDir, 'action', signing('action'), world.clock);
    await eventually(async () => {
      await expect(verify(token)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
      expect(await judge(signature)).toMatchObject({ status: Status.INVALID });
    });
    expect(await published()).not.toContain(keyIdOf(token));
    expect(await verify(await issue())).toMatchObject({ userId: 'alice' });
    expect(await judge(await sign())).toMatchObject({ status: Status.VALID });
  });
});

describe('the auth process', () => {
  test('serves, drains on SIGTERM, and never logs a token, a signature or a key', async () => {
    const digests = join(world.keysDir, '..', 'digests.json');
    writeFileSync(digests, JSON.stringify(digestServiceKeys([...world.serviceKeys.values()])));
    const child = spawn(process.execPath, ['services/auth/main.ts'], {
      env: {
        PATH: process.env.PATH,
        AUTH_PORT: '0',
        LOG_LEVEL: 'trace',
        DATABASE_URL: world.databaseUrl,
        AUTH_KEYS_DIR: world.keysDir,
        SERVICE_DIGESTS_FILE: digests,
        SERVICE_KEY: world.serviceKeys.get('auth'),
      },
    });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    const ended = once(child, 'exit');
    try {
      await eventually(() => expect(output).toContain('"msg":"started"'));
      await rotateKey(world.keysDir, 'token');
      await eventually(() => expect(output).toContain('profiles can be written'));
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
    for (const { jwk } of [...readKeys(world.keysDir, 'token'), ...readKeys(world.keysDir, 'action')]) {
      for (const secret of [jwk.d, jwk.k]) if (secret !== undefined) expect(output).not.toContain(secret);
    }
    expect(output).not.toContain('eyJ');
    for (const key of world.serviceKeys.values()) expect(output).not.toContain(key.split('.')[1]);
  });
});
