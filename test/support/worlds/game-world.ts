/** A real game server before a real auth service, with a clock for reactions that the test moves. */

import { freePort } from '../../../dev/host/ports.ts';
import type { GameConfig } from '../../../services/game/config.ts';
import { parseGameConfig } from '../../../services/game/config.ts';
import { startGame } from '../../../services/game/service.ts';
import { createSilentLog, type Log } from '../../../services/shared/telemetry/log.ts';
import { type Answer, ask, bearer } from '../clients/edge-client.ts';
import { isSentAgain } from '../clients/sent-again.ts';
import { waitFor } from '../wait-for.ts';
import { startAuthWorld } from './auth-world.ts';

/** The page that may call, as in the default configuration. */
export const PAGE = 'http://localhost:8080';

export interface TestPlayer {
  readonly userId: string;
  readonly username: string;
  readonly accessToken: string;
}

export type GameWorld = Awaited<ReturnType<typeof startGameWorld>>;

export async function startGameWorld({ log = createSilentLog() }: { log?: Log } = {}) {
  // A port of its own, so that it is found again after a restart.
  const authWorld = await startAuthWorld({ port: await freePort() });
  const clock = { nowMs: 0 };
  const env = {
    GAME_PORT: '0',
    AUTH_ADDRESS: `127.0.0.1:${authWorld.auth.port}`,
    SERVICE_KEY: authWorld.serviceKeys.get('game') ?? '',
  };
  const stops: (() => Promise<void>)[] = [];

  async function startNode(changes: Partial<GameConfig> = {}) {
    const game = await startGame(
      { ...parseGameConfig(env), ...changes },
      { log, monotonicMs: () => clock.nowMs },
    );
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= game.stop();
      return stopped;
    };
    stops.push(stop);
    const admin = `http://127.0.0.1:${game.adminPort}`;
    const node = { base: `http://127.0.0.1:${game.port}`, port: game.port, admin, stop };
    return node;
  }

  const game = await startNode();
  const post = (path: string, token?: string, body?: unknown, headers: Record<string, string> = {}) =>
    ask(`${game.base}${path}`, {
      method: 'POST',
      headers: {
        ...(token !== undefined && bearer(token)),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });

  await waitFor(async () => ((await ask(`${game.admin}/readyz`)).status === 200 ? true : undefined));

  return {
    authWorld,
    clock,
    game,
    startNode,
    post,
    async player(username = 'Ann'): Promise<TestPlayer> {
      const answer = await waitFor(async () => {
        const signedIn = await post('/v1/players', undefined, { username });
        return isSentAgain(signedIn.body?.reason) ? undefined : signedIn;
      });
      if (answer.status !== 201)
        throw new Error(`signing in was answered with ${answer.status}: ${answer.text}`);
      return answer.body;
    },
    hit(player: TestPlayer, roundId: string, body: unknown): Promise<Answer> {
      return post(`/v1/rounds/${roundId}/hits`, player.accessToken, body);
    },
    /** The value of one metric of the game server, labels included in the name; 0 when it is not there. */
    async metric(name: string): Promise<number> {
      const { text } = await ask(`${game.admin}/metrics`);
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
      return Number(line?.split(' ')[1] ?? 0);
    },
    async stop() {
      for (const stop of stops.reverse()) await stop();
      await authWorld.stop();
    },
  };
}
