/** scoreboard.edge.v1.ScoreboardService over Connect (JSON and binary) and gRPC-web, on HTTP/1.1. */
import { gzipSync } from 'node:zlib';
import { toBinary } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GetTopRequestSchema, ScoreboardService } from '../../../../gen/scoreboard/edge/v1/scoreboard_pb.ts';
import { ErrorDetailSchema } from '../../../../gen/scoreboard/error/v1/error_pb.ts';
import { ask, bearer } from '../../../support/clients/edge-client.ts';
import { GOOD_SIGNATURE } from '../../../support/doubles/score-double.ts';
import { type EdgeWorld, startEdgeWorld } from '../../../support/worlds/edge/edge-world.ts';

let world: EdgeWorld;
beforeAll(async () => {
  world = await startEdgeWorld();
});
afterAll(() => world.stop());

const PATH = '/scoreboard.edge.v1.ScoreboardService';

const transports: [string, (baseUrl: string) => Transport][] = [
  [
    'Connect with JSON',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
  ],
  [
    'Connect with protobuf',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true }),
  ],
  [
    'Connect with GET',
    (baseUrl) =>
      createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true, useHttpGet: true }),
  ],
  ['gRPC-web', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
];

async function refusalOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => ConnectError.from(thrown),
  );
  return { code: error?.code, reason: error?.findDetails(ErrorDetailSchema)[0]?.reason, error };
}

describe.each(transports)('over %s', (name, createTransport) => {
  let client: Client<typeof ScoreboardService>;
  let token: string;
  const leaderboard = name.replaceAll(' ', '-');
  const options = () => ({ headers: bearer(token) });
  const action = (change: object = {}) => ({
    leaderboard,
    actionId: 'a1',
    points: 100n,
    signature: GOOD_SIGNATURE,
    ...change,
  });

  beforeAll(async () => {
    client = createClient(ScoreboardService, createTransport(world.base));
    token = await world.token('alice', { name: 'Alice' });
  });

  test('a score is counted once, repeated, and refused with other contents', async () => {
    const first = await client.submitScore(action(), options());
    expect(first).toMatchObject({ newScore: 100n, rank: 1n, version: 1n, replayed: false });
    const again = await client.submitScore(action(), options());
    expect(again).toMatchObject({ newScore: 100n, version: 1n, replayed: true });
    expect(await refusalOf(client.submitScore(action({ points: 1n }), options()))).toMatchObject({
      code: Code.AlreadyExists,
      reason: 'ACTION_CONFLICT',
    });
  });

  test('the top, a rank and the neighbours are read', async () => {
    const bob = { headers: bearer(await world.token('bob')) };
    await client.submitScore(action({ points: 30n }), bob);
    const top = await client.getTop({ leaderboard, limit: 1 });
    expect(top).toMatchObject({
      entries: [{ userId: 'alice', username: 'Alice', score: 100n, rank: 1n }],
      epoch: 1n,
    });
    expect(await client.getRank({ leaderboard }, bob)).toMatchObject({
      entry: { userId: 'bob', score: 30n, rank: 2n },
      version: 1n,
      players: 2n,
    });
    const around = await client.listAround({ leaderboard, radius: 1 }, bob);
    expect(around).toMatchObject({ entries: [{ userId: 'alice' }, { userId: 'bob' }], players: 2n });
  });

  test('every method but GetTop requires a valid token', async () => {
    const calls = [
      (headers: Record<string, string>) => client.submitScore(action(), { headers }),
      (headers: Record<string, string>) => client.getRank({ leaderboard }, { headers }),
      (headers: Record<string, string>) => client.listAround({ leaderboard }, { headers }),
    ];
    for (const call of calls) {
      expect(await refusalOf(call({}))).toMatchObject({
        code: Code.Unauthenticated,
        reason: 'TOKEN_REQUIRED',
      });
      expect(await refusalOf(call(bearer('nonsense')))).toMatchObject({
        code: Code.Unauthenticated,
        reason: 'TOKEN_INVALID',
      });
    }
  });

  test.each([
    ['no action id', { actionId: '' }, Code.InvalidArgument, 'ACTION_ID_INVALID'],
    ['a long action id', { actionId: 'a'.repeat(65) }, Code.InvalidArgument, 'ACTION_ID_INVALID'],
    ['no board that can be', { leaderboard: 'a b' }, Code.InvalidArgument, 'LEADERBOARD_INVALID'],
    ['too many points', { points: 2n ** 53n }, Code.InvalidArgument, 'POINTS_INVALID'],
    ['no signature', { signature: '' }, Code.InvalidArgument, 'SIGNATURE_REQUIRED'],
    ['a bad signature', { signature: 'forged' }, Code.PermissionDenied, 'SIGNATURE_INVALID'],
    ['a long signature', { signature: 's'.repeat(257) }, Code.PermissionDenied, 'SIGNATURE_INVALID'],
    ['a body over the limit', { signature: 's'.repeat(33_000) }, Code.ResourceExhausted, 'BODY_TOO_LARGE'],
  ])('%s is refused with its code and reason', async (_, change, code, reason) => {
    expect(await refusalOf(client.submitScore(action(change), options()))).toMatchObject({ code, reason });
  });

  test('refusals by score are passed on', async () => {
    const stranger = { headers: bearer(await world.token('stranger')) };
    expect(await refusalOf(client.getRank({ leaderboard }, stranger))).toMatchObject({
      code: Code.NotFound,
      reason: 'PLAYER_NOT_FOUND',
    });
    expect(await refusalOf(client.getTop({ leaderboard, limit: 101 }))).toMatchObject({
      code: Code.InvalidArgument,
      reason: 'LIMIT_INVALID',
    });
    expect(await refusalOf(client.getRank({ leaderboard, minVersion: 9n }, options()))).toMatchObject({
      code: Code.Unavailable,
      reason: 'VERSION_NOT_REACHED',
    });
  });

  test('the largest number of points arrives exactly', async () => {
    const points = 2n ** 53n - 1n;
    const board = `max-${leaderboard}`;
    await client.submitScore(action({ leaderboard: board, points }), options());
    expect((await client.getTop({ leaderboard: board })).entries[0]?.score).toBe(points);
  });

  test('a client with a timeout of 100 ms is answered before one without while score hangs', async () => {
    world.score.hold();
    try {
      const answered: string[] = [];
      const codeOf = async (name: string, call: Promise<unknown>) => {
        const { code } = await refusalOf(call);
        answered.push(name);
        return code;
      };
      const hasty = { ...options(), timeoutMs: 100 };
      const codes = await Promise.all([
        codeOf('patient', client.getRank({ leaderboard }, options())),
        codeOf('hasty', client.submitScore(action({ actionId: 'slow' }), hasty)),
        codeOf('hasty', client.getRank({ leaderboard }, hasty)),
      ]);
      expect(codes).toEqual(Array(3).fill(Code.DeadlineExceeded));
      expect(answered).toEqual(['hasty', 'hasty', 'patient']);
    } finally {
      world.score.release();
    }
  });
});

const call = (
  method: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
  init: RequestInit = {},
) =>
  ask(`${world.base}${PATH}/${method}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    ...init,
  });

describe('a plain HTTP client', () => {
  test('gets errors in the shape of REST, with the details of Connect', async () => {
    const token = await world.token('alice');
    const answer = await call(
      'SubmitScore',
      '{"actionId":"x","points":"1","signature":"forged"}',
      bearer(token),
    );
    expect(answer).toMatchObject({
      status: 403,
      body: { code: 'permission_denied', reason: 'SIGNATURE_INVALID', message: expect.any(String) },
    });
    expect(answer.body.details).toHaveLength(1);
    const without = await call('GetRank', '{}', { origin: 'https://play.example' });
    expect(without.status).toBe(401);
    expect(without.headers.get('www-authenticate')).toBe('Bearer');
    expect(without.headers.get('access-control-allow-origin')).toBe('https://play.example');
  });

  test.each([
    ['{', 'no JSON'],
    ['[]', 'no object'],
    ['{"limit":"many"}', 'a field of the wrong type'],
    ['{"limit":-1}', 'a number out of range'],
  ])('is refused with %s: %s, in our error shape', async (body) => {
    const answer = await call('GetTop', body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument', reason: 'BODY_INVALID' } });
    expect(answer.body.message).toBe('The body is not one JSON object of the documented form.');
  });

  test('may leave fields out and send unknown ones', async () => {
    expect((await call('GetTop', '{"unknown":{"a":1}}')).status).toBe(200);
  });

  test.each([
    'text/plain',
    'application/grpc',
    'application/grpc+proto',
    'application/connect+json',
    'application/xml',
  ])('is refused with the content type %s', async (contentType) => {
    const answer = await call('GetTop', '{}', { 'content-type': contentType });
    expect(answer).toMatchObject({ status: 415, body: { reason: 'CONTENT_TYPE_UNSUPPORTED' } });
  });

  test('may compress its messages', async () => {
    const answer = await call('GetTop', gzipSync('{"leaderboard":"packed"}'), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(200);
    const unknown = await call('GetTop', '{}', { 'content-encoding': 'br' });
    expect(unknown).toMatchObject({ status: 415, body: { reason: 'CONTENT_TYPE_UNSUPPORTED' } });
  });

  test('cannot send a bomb: 1 MiB of zeros compressed into 1 KiB, in any format', async () => {
    const zeros = Buffer.alloc(1024 * 1024);
    const bomb = gzipSync(zeros);
    for (const contentType of ['application/json', 'application/proto']) {
      const answer = await call('GetTop', bomb, { 'content-encoding': 'gzip', 'content-type': contentType });
      expect(answer).toMatchObject({
        status: 413,
        body: { code: 'resource_exhausted', reason: 'BODY_TOO_LARGE' },
      });
    }
    const envelope = Buffer.alloc(5);
    envelope.writeUInt8(1, 0);
    envelope.writeUInt32BE(bomb.length, 1);
    const web = await call('GetTop', Buffer.concat([envelope, bomb]), {
      'content-type': 'application/grpc-web+proto',
      'grpc-encoding': 'gzip',
    });
    expect(web.text).toContain(`grpc-status: ${Code.ResourceExhausted}`);
  });

  test('cannot send a large body, compressed or not', async () => {
    for (const headers of [{}, { 'content-encoding': 'gzip' }]) {
      const answer = await call('GetTop', Buffer.alloc(33_000, ' '), headers);
      expect(answer).toMatchObject({ status: 413, body: { reason: 'BODY_TOO_LARGE' } });
    }
  });

  test('cannot send a body that is not compressed as its header says', async () => {
    const answer = await call('GetTop', Buffer.from('{}'), { 'content-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 400, body: { reason: 'BODY_INVALID' } });
  });

  test('calls methods without side effects by GET', async () => {
    const query = `encoding=json&message=${encodeURIComponent('{"leaderboard":"packed"}')}`;
    expect((await ask(`${world.base}${PATH}/GetTop?${query}`)).status).toBe(200);
    const message = Buffer.from(
      toBinary(GetTopRequestSchema, {
        $typeName: GetTopRequestSchema.typeName,
        leaderboard: 'packed',
        limit: 1,
      }),
    );
    const binary = `encoding=proto&base64=1&message=${message.toString('base64url')}`;
    expect((await ask(`${world.base}${PATH}/GetTop?${binary}`)).status).toBe(200);
    expect(await ask(`${world.base}${PATH}/GetTop`)).toMatchObject({ status: 415 });
    expect(await ask(`${world.base}${PATH}/GetTop?encoding=json&message=%7B`)).toMatchObject({
      status: 400,
      body: { reason: 'BODY_INVALID' },
    });
  });

  test.each(['soon', '-1', '99999999999'])('is refused with a timeout of "%s"', async (timeout) => {
    const answer = await call('GetTop', '{}', { 'connect-timeout-ms': timeout });
    expect(answer).toMatchObject({ status: 400, body: { reason: 'BODY_INVALID' } });
  });
});

test('an unknown method of the service is refused', async () => {
  expect(await call('DeleteEverything', '{}')).toMatchObject({
    status: 404,
    body: { reason: 'ROUTE_NOT_FOUND' },
  });
});
