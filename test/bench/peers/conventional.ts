/**
 * The conventional stack, as a competent engineer would write it today: Fastify with schemas, jose (faster here than
 * jsonwebtoken, since it verifies beside the main thread), one Postgres transaction per score, the ranking in a Redis sorted
 * set with one pipeline per score, and the top 10 by Socket.IO to everybody when it changed. It verifies the same ES256
 * token, and an HMAC in place of our signature.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import fastify from 'fastify';
import { Redis } from 'ioredis';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { Server } from 'socket.io';
import { openConventionalStore } from './conventional-store.ts';

export interface ConventionalOptions {
  databaseUrl: string;
  redisUrl: string;
  /** Of the tokens' issuer. */
  tokenKeys: JSONWebKeySet;
  issuer: string;
  audience: string;
  actionSecret: string;
  /** A pool as the library's users choose it for two cores; more was not faster. */
  connections: number;
}

interface Submission {
  actionId: string;
  points: number;
  signature: string;
}

const ORDER = 'conventional:order';
const TOP_SIZE = 10;
/** The default of 511 would refuse a crowd that arrives at once. */
const BACKLOG = 4_096;

const UPDATE_SCHEMA = {
  body: {
    type: 'object',
    required: ['actionId', 'points', 'signature'],
    properties: {
      actionId: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
      points: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      signature: { type: 'string', maxLength: 256 },
    },
  },
  response: {
    200: { type: 'object', properties: { newScore: { type: 'integer' }, rank: { type: 'integer' } } },
  },
};

export async function startConventional(options: ConventionalOptions) {
  const { databaseUrl, redisUrl, tokenKeys, issuer, audience, actionSecret, connections } = options;
  const store = await openConventionalStore(databaseUrl, connections);
  const redis = new Redis(redisUrl);
  const app = fastify();
  const live = new Server(app.server, { transports: ['websocket'], perMessageDeflate: false });
  const keySet = createLocalJWKSet(tokenKeys);
  let lastTop = '';

  async function playerOf(authorization: string | undefined): Promise<string | undefined> {
    const token = authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : '';
    try {
      const { payload } = await jwtVerify(token, keySet, { algorithms: ['ES256'], issuer, audience });
      return payload.sub;
    } catch {
      return undefined;
    }
  }

  function isGenuine(userId: string, { actionId, points, signature }: Submission): boolean {
    const mac = createHmac('sha256', actionSecret).update(`${userId}\n${actionId}\n${points}`).digest();
    const given = Buffer.from(signature, 'base64url');
    return given.length === mac.length && timingSafeEqual(given, mac);
  }

  /** The place after the change; tells everybody when the top 10 is another one. */
  async function rank(userId: string, score: number): Promise<number> {
    const results = await redis
      .pipeline()
      .zadd(ORDER, score, userId)
      .zrevrank(ORDER, userId)
      .zrevrange(ORDER, 0, TOP_SIZE - 1, 'WITHSCORES')
      .exec();
    const [, place, flat] = (results ?? []).map(([, value]) => value);
    const top = JSON.stringify(flat);
    if (top !== lastTop) {
      lastTop = top;
      live.emit('score:update', { userId, newScore: score, leaderboard: boardOf(flat as string[]) });
    }
    return Number(place) + 1;
  }

  app.post<{ Body: Submission }>(
    '/api/v1/score/update',
    { schema: UPDATE_SCHEMA },
    async (request, reply) => {
      const userId = await playerOf(request.headers.authorization);
      if (userId === undefined) return reply.code(401).send({ reason: 'TOKEN_INVALID' });
      if (!isGenuine(userId, request.body)) return reply.code(403).send({ reason: 'SIGNATURE_INVALID' });
      const { actionId, points } = request.body;
      const { score } = await store.record(userId, userId, actionId, points);
      return { newScore: score, rank: await rank(userId, score) };
    },
  );

  app.get('/api/v1/scoreboard/top', async () => {
    const flat = await redis.zrevrange(ORDER, 0, TOP_SIZE - 1, 'WITHSCORES');
    return boardOf(flat).map(({ username, score }) => ({ username, score }));
  });

  await app.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port };
}

function boardOf(flat: readonly string[]) {
  const entries = [];
  for (let at = 0; at < flat.length; at += 2) {
    const userId = flat[at] ?? '';
    entries.push({ userId, username: userId, score: Number(flat[at + 1]), rank: at / 2 + 1 });
  }
  return entries;
}
