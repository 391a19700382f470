/**
 * gRPC as an attacker speaks it, in raw HTTP/2 against the real auth, score and rank services: streams that are reset at once,
 * too many of them, floods of control frames, messages that are too large or lie about it. Others are served meanwhile.
 */

import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AuthService, IssueTokenRequestSchema } from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { RankService } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { ScoreService } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { callHeaders, converse, flood, type Heard, h2 } from '../../../support/clients/raw-h2.ts';
import { patient } from '../../../support/clients/sent-again.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/worlds/score/score-world.ts';

const SOON = { limitMs: 30_000 };
const UNAUTHENTICATED = '16';
const UNIMPLEMENTED = '12';
const RESOURCE_EXHAUSTED = '8';
/** What grpc-js says of bytes that are no message. */
const INTERNAL = '13';

let world: ScoreWorld;
beforeAll(async () => {
  world = await startScoreWorld({});
});
afterAll(() => world.stop());

async function othersAreServed(): Promise<void> {
  const { accessToken } = await patient(world.authAs('game')).issueToken({ userId: 'alice' }, SOON);
  expect(accessToken).not.toBe('');
  await world.rankAs('edge').getTop({ leaderboard: 'global' }, SOON);
}
afterEach(othersAreServed);

/** The address of each service under attack, and its key for a caller that has one. */
const targets = () => [
  { name: 'auth', address: world.authAddress, key: world.serviceKeys.game },
  { name: 'score', address: world.scoreAddresses[0] ?? '', key: world.serviceKeys.edge },
  { name: 'rank', address: world.rankAddresses[0] ?? '', key: world.serviceKeys.edge },
];

function open(address: string): ClientHttp2Session {
  const session = connect(`http://${address}`);
  session.on('error', () => undefined);
  return session;
}

/** A message with gRPC's five bytes before it. */
function framed(message: Uint8Array, { length = message.length, isPacked = false } = {}): Buffer {
  const head = Buffer.alloc(5);
  head[0] = isPacked ? 1 : 0;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

interface Call {
  path: string;
  key?: string | undefined;
  body?: Buffer;
  headers?: Record<string, string>;
}

/** The gRPC status of one call, or "reset" when the stream ended without one. */
function call(session: ClientHttp2Session, { path, key, body = framed(Buffer.alloc(0)), headers }: Call) {
  return new Promise<string>((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      te: 'trailers',
      'content-type': 'application/grpc',
      ...(key !== undefined && { 'x-service-key': key }),
      ...headers,
    });
    let status = 'reset';
    const note = (fields: Record<string, unknown>) => {
      if (fields['grpc-status'] !== undefined) status = String(fields['grpc-status']);
      else if (fields[':status'] !== undefined && fields[':status'] !== 200)
        status = `http ${fields[':status']}`;
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', () => undefined);
    stream.on('error', () => undefined);
    stream.on('close', () => resolve(status));
    stream.end(body);
  });
}

const PATHS: Readonly<Record<string, string>> = {
  auth: `/${AuthService.typeName}/IssueToken`,
  score: `/${ScoreService.typeName}/SubmitScore`,
  rank: `/${RankService.typeName}/GetTop`,
};
const pathOf = (name: string) => PATHS[name] ?? '';

describe('a caller without a key', () => {
  test('is refused by every method of all services, whatever it sends as a key', async () => {
    const methods = [AuthService, ScoreService, RankService].map((service) =>
      service.methods.map(({ name }) => `/${service.typeName}/${name}`),
    );
    for (const [index, { address }] of targets().entries()) {
      const session = open(address);
      for (const path of methods[index] ?? []) {
        for (const key of [
          undefined,
          '',
          'game',
          'game.',
          '.',
          'root.x',
          `game.${'A'.repeat(43)}`,
          'x'.repeat(4_000),
        ]) {
          expect([path, await call(session, { path, key })]).toEqual([path, UNAUTHENTICATED]);
        }
      }
      session.close();
    }
  });

  test("is refused with a player's token as a key", async () => {
    const { accessToken } = await patient(world.authAs('game')).issueToken({ userId: 'alice' }, SOON);
    for (const { name, address } of targets()) {
      const session = open(address);
      for (const key of [accessToken, `Bearer ${accessToken}`, `game.${accessToken}`]) {
        expect(await call(session, { path: pathOf(name), key })).toBe(UNAUTHENTICATED);
      }
      session.close();
    }
  });

  test('learns nothing by the way a method is spelled', async () => {
    for (const { address, key } of targets()) {
      const session = open(address);
      for (const path of [
        '/',
        '/x',
        '/scoreboard.auth.v1.AuthService/',
        '/scoreboard.auth.v1.AuthService/issuetoken',
        '/scoreboard.auth.v1.AuthService/toString',
        '//IssueToken',
        `/${'a'.repeat(4_000)}/b`,
      ]) {
        expect([path, await call(session, { path, key })]).toEqual([path, UNIMPLEMENTED]);
      }
      session.close();
    }
  });
});

describe('a message', () => {
  test('of more than a mebibyte is refused unread', async () => {
    for (const { name, address, key } of targets()) {
      const session = open(address);
      const body = framed(Buffer.alloc(1024 * 1024 + 1));
      expect([name, await call(session, { path: pathOf(name), key, body })]).toEqual([
        name,
        RESOURCE_EXHAUSTED,
      ]);
      session.close();
    }
  });

  test('that claims four gigabytes is refused at once', async () => {
    for (const { name, address, key } of targets()) {
      const session = open(address);
      const body = framed(Buffer.from('x'), { length: 0xffff_ffff });
      expect([name, await call(session, { path: pathOf(name), key, body })]).toEqual([
        name,
        RESOURCE_EXHAUSTED,
      ]);
      session.close();
    }
  });

  test('that unpacks to more than a mebibyte is refused', async () => {
    const bomb = framed(gzipSync(Buffer.alloc(64 * 1024 * 1024)), { isPacked: true });
    expect(bomb.length).toBeLessThan(100_000);
    const headers = { 'grpc-encoding': 'gzip' };
    const before = process.memoryUsage().rss;
    for (const { name, address, key } of targets()) {
      const session = open(address);
      const statuses = await Promise.all(
        Array.from({ length: 20 }, () => call(session, { path: pathOf(name), key, body: bomb, headers })),
      );
      expect([name, new Set(statuses)]).toEqual([name, new Set([RESOURCE_EXHAUSTED])]);
      session.close();
    }
    expect((process.memoryUsage().rss - before) / 1024 / 1024).toBeLessThan(200);
  });

  test('that is cut short, is no message, comes twice, or is not packed as it says is a refusal, never a crash', async () => {
    const good = toBinary(IssueTokenRequestSchema, create(IssueTokenRequestSchema, { userId: 'alice' }));
    const bodies = [
      Buffer.alloc(0),
      Buffer.from([0, 0]),
      framed(good, { length: good.length + 5 }),
      framed(Buffer.from([0xff, 0xff, 0xff, 0xff])),
      framed(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f])),
      Buffer.concat([framed(good), framed(good)]),
      framed(good, { isPacked: true }),
    ];
    for (const { name, address, key } of targets()) {
      const session = open(address);
      for (const body of bodies) {
        for (const headers of [{}, { 'grpc-encoding': 'gzip' }, { 'grpc-encoding': 'nonsense' }]) {
          const status = await call(session, { path: pathOf(name), key, body, headers });
          expect([name, body.toString('hex'), ['0', UNIMPLEMENTED, INTERNAL].includes(status)]).toEqual([
            name,
            body.toString('hex'),
            true,
          ]);
        }
      }
      session.close();
    }
  });
});

describe('one connection', () => {
  test('may have a thousand streams, as the settings frame says', async () => {
    for (const { address } of targets()) {
      const session = open(address);
      const [settings] = await once(session, 'remoteSettings');
      expect(settings.maxConcurrentStreams).toBe(1_000);
      session.destroy();
    }
  });

  test('that opens more streams all the same is refused them, or sent away', async () => {
    const OPENED = 1_500;
    const RST_STREAM = 3;
    const GOAWAY = 7;
    for (const { name, address } of targets()) {
      // Odd numbers, and each left open: headers end, the message never comes.
      const streams = Array.from({ length: OPENED }, (_, index) =>
        h2(1, 4, 2 * index + 1, callHeaders(pathOf(name))),
      );
      const refusedIn = (heard: readonly Heard[]) => heard.filter(({ type }) => type === RST_STREAM).length;
      const isAway = (heard: readonly Heard[]) => heard.some(({ type }) => type === GOAWAY);
      const heard = await converse(
        address,
        [h2(4, 0, 0), ...streams],
        (sofar) => refusedIn(sofar) >= OPENED - 1_000 || isAway(sofar),
      );
      expect([name, isAway(heard) || refusedIn(heard) === OPENED - 1_000]).toEqual([name, true]);
    }
  });

  test('that resets its streams as fast as it opens them is sent away', async () => {
    for (const { name, address, key } of targets()) {
      const session = open(address);
      await once(session, 'connect');
      let goaway = 0;
      session.on('goaway', () => {
        goaway += 1;
      });
      for (let round = 0; round < 200 && !session.closed && !session.destroyed; round += 1) {
        for (let index = 0; index < 100 && !session.closed && !session.destroyed; index += 1) {
          const stream = session.request({
            ':method': 'POST',
            ':path': pathOf(name),
            'content-type': 'application/grpc',
            'x-service-key': key,
          });
          stream.on('error', () => undefined);
          stream.close(constants.NGHTTP2_CANCEL);
        }
        await new Promise((resolve) => setImmediate(resolve));
        if (round % 50 === 0) await othersAreServed();
      }
      session.destroy();
      expect(goaway).toBe(1);
      await othersAreServed();
    }
  });
});

describe('a flood', () => {
  const SETTINGS = h2(4, 0, 0);
  const headers = h2(1, 0, 1, Buffer.from([0x83, 0x86]));
  test.each<[string, Buffer[], Buffer, number]>([
    ['headers that never end', [SETTINGS, headers], h2(9, 0, 1, Buffer.alloc(16_000, 0x86)), 2_000],
    ['empty continuations', [SETTINGS, headers], h2(9, 0, 1), 100_000],
    ['settings', [SETTINGS], SETTINGS, 100_000],
    ['pings', [SETTINGS], h2(6, 0, 0, Buffer.alloc(8)), 100_000],
    ['empty data frames', [SETTINGS, h2(1, 4, 1, Buffer.from([0x83, 0x86]))], h2(0, 0, 1), 100_000],
    ['priorities', [SETTINGS], h2(2, 0, 1, Buffer.from([0, 0, 0, 0, 16])), 100_000],
    ['window updates of nothing', [SETTINGS], h2(8, 0, 0, Buffer.alloc(4)), 100_000],
    ['frames of an unknown type', [SETTINGS], h2(0xee, 0, 0, Buffer.alloc(100)), 100_000],
    ['bytes that are no HTTP/2', [], Buffer.from('GET / HTTP/1.1\r\n\r\n'), 1_000],
  ])('of %s harms nobody else', async (_, opening, repeated, times) => {
    const before = process.memoryUsage().rss;
    for (const { address } of targets()) {
      const flooding = flood(address, opening, repeated, times);
      await othersAreServed();
      await flooding;
    }
    expect((process.memoryUsage().rss - before) / 1024 / 1024).toBeLessThan(100);
  });
});
