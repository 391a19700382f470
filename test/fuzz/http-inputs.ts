/** Inputs for every public HTTP entry: REST, Connect in each of its encodings, gRPC-web, queries, and the game. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ScoreboardService } from '../../gen/scoreboard/edge/v1/scoreboard_pb.ts';
import type { HttpInput } from './http-line.ts';
import { anyBytes, damaged, headerValue, oddString, oddValue } from './odd-values.ts';
import { binaryBody, jsonBody } from './proto-corpus.ts';

/** An action that counts as it is, for the owner of the token. */
export interface EarnedAction {
  readonly token: string;
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
}

/** What inputs are made around: real tokens and a real signature, so that not everything ends at the door. */
export interface Corpus {
  readonly actions: readonly EarnedAction[];
  readonly tokens: readonly string[];
  readonly rounds: readonly string[];
}

export interface HttpLane {
  readonly name: string;
  readonly server: 'edge' | 'game';
  readonly inputs: fc.Arbitrary<HttpInput>;
}

const NO_BODY = Buffer.alloc(0);

/** Mostly proper headers, so that the body is read; now and then others. */
function headersOf({ tokens }: Corpus, contentType: string): fc.Arbitrary<HttpInput['headers']> {
  const token = fc.constantFrom(...tokens);
  const damagedToken = damaged(token.map((text) => Buffer.from(text))).map((bytes) =>
    bytes.toString('latin1').replaceAll(/[^\x20-\x7e\x80-\xff]/g, ''),
  );
  const authorization = fc.oneof(
    { weight: 8, arbitrary: token.map((text) => `Bearer ${text}`) },
    { weight: 1, arbitrary: damagedToken.map((text) => `Bearer ${text}`) },
    { weight: 1, arbitrary: headerValue },
  );
  const type = fc.oneof(
    { weight: 9, arbitrary: fc.constant(contentType) },
    { weight: 1, arbitrary: headerValue },
  );
  const OTHERS = [
    'X-Request-Id',
    'Origin',
    'X-Forwarded-For',
    'Connect-Timeout-Ms',
    'Connect-Protocol-Version',
    'Content-Encoding',
    'Accept-Encoding',
    'Grpc-Timeout',
    'Cookie',
    'X-Service-Key',
  ];
  const other = fc.tuple(fc.constantFrom(...OTHERS), headerValue);
  return fc
    .tuple(authorization, type, fc.oneof(fc.constant([]), fc.array(other, { maxLength: 3 })))
    .map(([auth, content, others]) => [['Authorization', auth], ['Content-Type', content], ...others]);
}

function posts(
  corpus: Corpus,
  contentType: string,
  path: fc.Arbitrary<string>,
  body: fc.Arbitrary<Buffer>,
): fc.Arbitrary<HttpInput> {
  return fc.record({
    method: fc.constant('POST'),
    path,
    headers: headersOf(corpus, contentType),
    body: fc.oneof({ weight: 9, arbitrary: body }, { weight: 1, arbitrary: anyBytes }),
  });
}

/** JSON with these fields, each right or odd, and one or two more. */
function fieldsBody(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Buffer> {
  const known = Object.entries(fields).map(
    ([name, right]) => [name, fc.oneof({ weight: 3, arbitrary: right }, oddValue)] as const,
  );
  const whole = fc
    .tuple(
      fc.record(Object.fromEntries(known), { requiredKeys: [] }),
      fc.dictionary(oddString, oddValue, { maxKeys: 2 }),
    )
    .map(([right, more]) => Buffer.from(JSON.stringify({ ...more, ...right })));
  return fc.oneof({ weight: 4, arbitrary: whole }, { weight: 1, arbitrary: damaged(whole) });
}

const actionId = fc.string({ unit: fc.constantFrom(...'abcXYZ09_-'), minLength: 1, maxLength: 64 });

function framed(message: Buffer, flag: number, length: number): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

function connectLanes(corpus: Corpus): HttpLane[] {
  return ScoreboardService.methods.flatMap(({ name, input }): HttpLane[] => {
    const path = fc.constant(`/${ScoreboardService.typeName}/${name}`);
    const binary = binaryBody(input);
    const packed = jsonBody(input).map((body) => gzipSync(body));
    const enveloped = fc
      .tuple(
        binary,
        fc.constantFrom(0, 0, 0, 1, 2, 128, 255),
        fc.oneof(fc.constant(-1), fc.nat({ max: 2 ** 32 - 1 })),
      )
      .map(([body, flag, length]) => framed(body, flag, length < 0 ? body.length : length));
    const gzipped = posts(corpus, 'application/json', path, packed).map((each) => ({
      ...each,
      headers: [...each.headers, ['Content-Encoding', 'gzip'] as const],
    }));
    const query = fc
      .tuple(
        jsonBody(input),
        fc.constantFrom('json', 'proto', 'x'),
        fc.constantFrom('', '&base64=1'),
        oddString,
      )
      .map(([body, encoding, base64, odd]) => {
        const message = base64 === '' ? encodeURIComponent(body.toString()) : body.toString('base64url');
        return `?connect=v1&encoding=${encoding}${base64}&message=${message}&${encodeURIComponent(odd.toWellFormed())}=1`;
      });
    const get = fc.record({
      method: fc.constant('GET'),
      path: fc.tuple(path, query).map((parts) => parts.join('').slice(0, 6_000)),
      headers: headersOf(corpus, 'application/json'),
      body: fc.constant(NO_BODY),
    });
    return [
      {
        name: `${name} json`,
        server: 'edge',
        inputs: posts(corpus, 'application/json', path, jsonBody(input)),
      },
      { name: `${name} binary`, server: 'edge', inputs: posts(corpus, 'application/proto', path, binary) },
      {
        name: `${name} gRPC-web`,
        server: 'edge',
        inputs: posts(corpus, 'application/grpc-web+proto', path, enveloped),
      },
      { name: `${name} gzip`, server: 'edge', inputs: gzipped },
      { name: `${name} GET`, server: 'edge', inputs: get },
    ];
  });
}

function restLanes(corpus: Corpus): HttpLane[] {
  const body = fieldsBody({
    actionId,
    points: fc.nat(),
    signature: fc.constantFrom(...corpus.actions.map((action) => action.signature)),
    leaderboard: fc.constantFrom('global', 'weekly'),
  });
  const paths = [
    '/api/v1/scoreboard/top',
    '/api/v1/scoreboard/me',
    '/api/v1/leaderboards/global/entries',
    '/api/v1/leaderboards/weekly/me',
    '/healthz',
    '/',
    '/.well-known/jwks.json',
  ];
  const read = fc.record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'DELETE', 'OPTIONS', 'PUT'),
    path: fc
      .tuple(
        fc.constantFrom(...paths),
        fc.constantFrom('leaderboard', 'limit', 'cursor', 'from', 'around', 'a[]'),
        oddString,
      )
      .map(
        ([path, name, value]) =>
          `${path}?${name}=${encodeURIComponent(value.toWellFormed()).slice(0, 3_000)}`,
      ),
    headers: headersOf(corpus, 'application/json'),
    body: fc.constant(NO_BODY),
  });
  const update = fc.constant('/api/v1/score/update');
  const ofBoard = fc
    .tuple(oddString, fc.constantFrom('entries', 'me', 'friends', 'x'))
    .map(
      ([board, what]) =>
        `/api/v1/leaderboards/${encodeURIComponent(board.toWellFormed()).slice(0, 200)}/${what}`,
    );
  const friends = fc.oneof(fc.constant('/api/v1/leaderboards/global/friends'), ofBoard);
  const ids = fieldsBody({ userIds: fc.array(fc.oneof(oddString, actionId), { maxLength: 12 }) });
  // Right in all but one respect at most, so that the way behind the door is walked as well.
  const earned = fc
    .tuple(
      fc.constantFrom(...corpus.actions),
      fc.oneof(
        fc.constant(undefined),
        fc.constantFrom('actionId', 'points', 'signature', 'leaderboard', 'x'),
      ),
      oddValue,
    )
    .map(([{ token, ...fields }, changed, value]): HttpInput => {
      const right = JSON.stringify(changed === undefined ? fields : { ...fields, [changed]: value });
      return {
        method: 'POST',
        path: '/api/v1/score/update',
        headers: [
          ['Authorization', `Bearer ${token}`],
          ['Content-Type', 'application/json'],
        ],
        body: Buffer.from(right),
      };
    });
  return [
    { name: 'REST earned', server: 'edge', inputs: earned },
    { name: 'REST update', server: 'edge', inputs: posts(corpus, 'application/json', update, body) },
    { name: 'REST reads', server: 'edge', inputs: read },
    { name: 'REST friends', server: 'edge', inputs: posts(corpus, 'application/json', friends, ids) },
  ];
}

function gameLanes(corpus: Corpus): HttpLane[] {
  const round = fc.oneof(fc.constantFrom(...corpus.rounds), actionId);
  const lane = (name: string, path: fc.Arbitrary<string>, body: fc.Arbitrary<Buffer>): HttpLane => ({
    name: `game ${name}`,
    server: 'game',
    inputs: posts(corpus, 'application/json', path, body),
  });
  return [
    lane('sign-in', fc.constant('/v1/players'), fieldsBody({ username: fc.string({ maxLength: 40 }) })),
    lane('refresh', fc.constant('/v1/players/refresh'), anyBytes),
    lane('rounds', fc.constant('/v1/rounds'), anyBytes),
    lane(
      'hits',
      round.map((id) => `/v1/rounds/${id}/hits`),
      fieldsBody({ target: fc.nat({ max: 9 }), cell: fc.nat({ max: 8 }) }),
    ),
  ];
}

export function createHttpLanes(corpus: Corpus): HttpLane[] {
  return [...restLanes(corpus), ...connectLanes(corpus), ...gameLanes(corpus)];
}
