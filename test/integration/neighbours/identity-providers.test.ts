/**
 * Identity providers beside the whole product: a server that publishes the keys of nine issuers, tokens in their shapes, and
 * scores of their players. No subject, address or account number reaches what players, pages and operators see.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { createLog } from '../../../services/shared/telemetry/log.ts';
import { aliasOf } from '../../../services/shared/tokens/players/player-id.ts';
import { metricOf } from '../../support/clients/admin-pages.ts';
import { ask, bearer } from '../../support/clients/edge-client.ts';
import { openLive } from '../../support/clients/live-client.ts';
import { patient } from '../../support/clients/sent-again.ts';
import { BUSY_MS } from '../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../support/worlds/whole-world.ts';
import { PROVIDERS, type Provider, tokenOf } from '../../unit/auth/providers.ts';
import { keySetJson, type Part } from '../../unit/auth/token-fixtures.ts';

const SOON = { limitMs: 30_000 };
const dir = mkdtempSync(join(tmpdir(), 'scoreboard-idp-'));
const lines: string[] = [];
let idp: Server;
let world: WholeWorld;

beforeAll(async () => {
  idp = createServer((request, response) => {
    const provider = PROVIDERS[Number(request.url?.slice(1))];
    response.end(provider === undefined ? '{}' : keySetJson(provider.key));
  });
  await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve));
  const { port } = idp.address() as AddressInfo;
  const entries = PROVIDERS.map(({ entry }, at) => ({ ...entry, jwksUrl: `http://127.0.0.1:${port}/${at}` }));
  writeFileSync(join(dir, 'idp.json'), JSON.stringify(entries));
  const log = createLog('border', 'info', { destination: { write: (line) => lines.push(line) } });
  world = await startWholeWorld({ each: 1, env: { IDP_FILE: join(dir, 'idp.json') }, log });
});
afterAll(async () => {
  await world?.stop();
  idp.closeAllConnections();
  idp.close();
  rmSync(dir, { recursive: true });
});

const nowS = () => Math.floor(Date.now() / 1000);
const edgeUrl = () => world.edgeUrls[0] ?? '';
const tokenFor = (provider: Provider, more: Part = {}) => tokenOf(provider, nowS(), more);

/** Signs by issuer and subject, and submits with the player's token. Returns the user id that auth told. */
async function score(provider: Provider, actionId: string, points: number): Promise<string> {
  const { issuer } = provider.entry;
  const subject = String(provider.claims(0).sub);
  const action = {
    actionId,
    points: BigInt(points),
    player: { case: 'outside' as const, value: { issuer, subject } },
  };
  const { signature, userId } = await patient(world.authAs('game')).signAction({ action }, SOON);
  const answer = await ask(`${edgeUrl()}/api/v1/score/update`, {
    method: 'POST',
    headers: { ...bearer(tokenFor(provider)), 'content-type': 'application/json' },
    body: JSON.stringify({ actionId, points, signature }),
  });
  expect([provider.name, answer.status, answer.text]).toEqual([provider.name, 200, expect.any(String)]);
  return userId;
}

/** What Postgres keeps of actions and scores. */
async function ledger(): Promise<unknown> {
  const sql = connectPostgres({
    ...{ url: world.databaseUrl, connections: 1, applicationName: 'test', statementTimeoutMs: 5_000 },
  });
  const rows = await sql`
    select row_to_json(a)::text as row from actions a union all select row_to_json(s)::text from scores s`;
  await sql.end();
  expect(rows).toHaveLength(2 * PROVIDERS.length);
  return rows;
}

describe('the players of nine identity providers', () => {
  test('score under ids of their own, and nothing that identifies them is public', async () => {
    const socket = await openLive(world.fanoutUrls[0] ?? '');
    const ids = new Map<Provider, string>();
    for (const [at, provider] of PROVIDERS.entries())
      ids.set(provider, await score(provider, `a${at}`, 100 - at));
    expect(new Set(ids.values()).size).toBe(PROVIDERS.length);

    const frame = await socket.frame(({ leaderboard }) => leaderboard?.length === PROVIDERS.length);
    const shown = PROVIDERS.map((provider) => ({
      userId: ids.get(provider),
      username: provider.shown ?? aliasOf(ids.get(provider) ?? ''),
    }));
    expect(frame.leaderboard).toMatchObject(shown);
    socket.close();

    const [first] = PROVIDERS as [Provider];
    const pages = await Promise.all([
      ask(`${edgeUrl()}/api/v1/scoreboard/top`),
      ask(`${edgeUrl()}/api/v1/scoreboard/me`, { headers: bearer(tokenFor(first)) }),
      ask(`${edgeUrl()}/scoreboard.edge.v1.ScoreboardService/ListAround`, {
        method: 'POST',
        headers: { ...bearer(tokenFor(first)), 'content-type': 'application/json' },
        body: '{}',
      }),
    ]);
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200]);
    const everything = JSON.stringify([socket.frames, pages.map(({ text }) => text), await ledger(), lines]);
    for (const { secrets } of PROVIDERS)
      for (const secret of secrets) expect(everything).not.toContain(secret);
  });

  test('get the updates of their own player on a socket', async () => {
    const [provider] = PROVIDERS as [Provider];
    const socket = await openLive(world.fanoutUrls[0] ?? '');
    socket.send({ type: 'authenticate', token: tokenFor(provider) });
    const { userId } = await socket.frame(({ event }) => event === 'authenticated');
    expect(await score(provider, 'own', 1)).toBe(userId);
    await socket.frame((frame) => frame.version !== undefined && frame.userId === userId);
    socket.close();
  });

  test('are the same for a game server, by token and by subject', async () => {
    for (const provider of PROVIDERS) {
      const outside = { issuer: provider.entry.issuer, subject: String(provider.claims(0).sub) };
      const { userId } = await patient(world.authAs('game')).resolvePlayer({ outside }, SOON);
      const verified = await patient(world.authAs('game')).verifyToken(
        { accessToken: tokenFor(provider) },
        SOON,
      );
      expect(verified).toMatchObject({ userId, issuer: outside.issuer });
      const action = {
        ...{ actionId: 'by-token', points: 1n },
        player: { case: 'accessToken' as const, value: tokenFor(provider) },
      };
      expect(await patient(world.authAs('game')).signAction({ action }, SOON)).toMatchObject({ userId });
    }
  });

  test('with a token of another kind are refused alike, and the operator learns the rule', async () => {
    for (const provider of PROVIDERS) {
      const [claims] = provider.other;
      const answer = await ask(`${edgeUrl()}/api/v1/scoreboard/me`, {
        headers: bearer(tokenFor(provider, claims)),
      });
      expect(answer.body).toEqual({
        code: 'unauthenticated',
        reason: 'TOKEN_INVALID',
        message: 'The token is not valid here: forged, expired or of another kind.',
      });
    }
    const [edge] = world.edges;
    const counted = (rule: string) => metricOf(edge, 'tokens_refused_total', `rule="${rule}"`);
    const expected = PROVIDERS.filter(({ other }) => other[1] === 'audience').length;
    expect(await counted('audience')).toBe(expected);
    expect(await counted('required_claim')).toBe(PROVIDERS.length - expected);
    const told = lines.filter((line) => line.includes('"a token was refused"'));
    expect(told.map((line) => JSON.parse(line).rule).sort()).toEqual(['audience', 'required_claim']);
    for (const { secrets } of PROVIDERS)
      for (const secret of secrets) expect(told.join()).not.toContain(secret);
  });
});

describe('a player who gets another name', () => {
  test('has it on every open screen by the next token that has one, and keeps it when a token has none', async () => {
    const nameless = PROVIDERS.find(
      ({ entry }) => entry.audienceClaims?.toString() === 'client_id',
    ) as Provider;
    const userId = await score(nameless, 'before', 1_000);
    const socket = await openLive(world.fanoutUrls[0] ?? '');
    const shows = (name: string) =>
      socket.frame(({ leaderboard }) =>
        Boolean(leaderboard?.some((each) => each.userId === userId && each.username === name)),
      );
    await shows(aliasOf(userId) ?? '');
    const me = (token: string) => ask(`${edgeUrl()}/api/v1/scoreboard/me`, { headers: bearer(token) });
    expect((await me(tokenFor(nameless, { username: 'Kimberley' }))).status).toBe(200);
    await shows('Kimberley');
    await score(nameless, 'after', 1);
    const later = await socket.frame(
      ({ newScore, event }) => event === 'score:update' && (newScore ?? 0) > 1_000,
    );
    expect(later.leaderboard?.find((each) => each.userId === userId)?.username).toBe('Kimberley');
    socket.close();
  });

  test('has it on the screens of two boards when a game server gives it', async () => {
    const sign = (username: string) =>
      patient(world.authAs('game')).issueToken({ userId: 'alice', username }, SOON);
    await sign('Alice');
    for (const leaderboard of ['', 'weekly']) {
      const submission = { leaderboard, userId: 'alice', actionId: `n${leaderboard}`, points: 5_000n };
      await patient(world.scoreAs('game')).submitScore({ submission }, SOON);
    }
    const socket = await openLive(world.fanoutUrls[0] ?? '');
    socket.send({ type: 'subscribe', leaderboard: 'weekly' });
    const shows = (board: string, name: string) =>
      socket.frame(
        ({ leaderboard, leaderboardId = 'global' }) =>
          leaderboardId === board && leaderboard?.[0]?.username === name,
      );
    await Promise.all([shows('global', 'Alice'), shows('weekly', 'Alice')]);
    const startedMs = performance.now();
    expect((await sign('Bob')).username).toBe('Bob');
    await Promise.all([shows('global', 'Bob'), shows('weekly', 'Bob')]);
    expect(performance.now() - startedMs).toBeLessThan(1_000 + 2 * BUSY_MS);
    expect((await sign('')).username).toBe('Bob');
    socket.close();
  });
});
