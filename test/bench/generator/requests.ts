/** The bytes of requests, made before the clock starts: in the timed part a request is one write of prepared bytes. */
import { createHmac } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { SubmitScoreRequestSchema } from '../../../gen/scoreboard/edge/v1/scoreboard_pb.ts';

/** How a submission travels. */
export type SubmitForm = 'rest' | 'connect-json' | 'connect-binary';

export interface Player {
  readonly userId: string;
  readonly token: string;
}

export interface SignedAction {
  readonly actionId: string;
  readonly points: number;
  readonly signature: string;
  /** The default board if left out. */
  readonly leaderboard?: string | undefined;
}

const CONNECT = '/scoreboard.edge.v1.ScoreboardService';

const FORMS: Readonly<
  Record<SubmitForm, { path: string; headers: string; body: (action: SignedAction) => Buffer }>
> = {
  rest: {
    path: '/api/v1/score/update',
    headers: 'Content-Type: application/json\r\n',
    body: jsonBody,
  },
  'connect-json': {
    path: `${CONNECT}/SubmitScore`,
    headers: 'Content-Type: application/json\r\nConnect-Protocol-Version: 1\r\n',
    body: jsonBody,
  },
  'connect-binary': {
    path: `${CONNECT}/SubmitScore`,
    headers: 'Content-Type: application/proto\r\nConnect-Protocol-Version: 1\r\n',
    body: (action) =>
      Buffer.from(
        toBinary(
          SubmitScoreRequestSchema,
          create(SubmitScoreRequestSchema, {
            ...{ actionId: action.actionId, points: BigInt(action.points), signature: action.signature },
            ...(action.leaderboard !== undefined && { leaderboard: action.leaderboard }),
          }),
        ),
      ),
  },
};

export function submitRequest(form: SubmitForm, player: Player, action: SignedAction): Buffer {
  const { path, headers, body } = FORMS[form];
  return post(path, `Authorization: Bearer ${player.token}\r\n${headers}`, body(action));
}

/** Says who the player is and nothing else: refused, but not before the token was verified. */
export function introduction(player: Player): Buffer {
  const { path, headers } = FORMS.rest;
  return post(path, `Authorization: Bearer ${player.token}\r\n${headers}`, Buffer.from('{}'));
}

export function getRequest(path: string, token?: string): Buffer {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${authorization}\r\n`, 'latin1');
}

/** A Connect call with a JSON message. */
export function connectRequest(method: string, message: object, token?: string): Buffer {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  const { headers } = FORMS['connect-json'];
  return post(`${CONNECT}/${method}`, authorization + headers, Buffer.from(JSON.stringify(message)));
}

/** What the conventional stack asks for in place of our signature: one HMAC of the fields, with a secret of its own. */
export function conventionalSignature(
  secret: string,
  userId: string,
  actionId: string,
  points: number,
): string {
  return createHmac('sha256', secret).update(`${userId}\n${actionId}\n${points}`).digest('base64url');
}

function jsonBody({ actionId, points, signature, leaderboard }: SignedAction): Buffer {
  const board = leaderboard === undefined ? '' : `,"leaderboard":"${leaderboard}"`;
  return Buffer.from(
    `{"actionId":"${actionId}","points":${points},"signature":"${signature}"${board}}`,
    'latin1',
  );
}

function post(path: string, headers: string, body: Buffer): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
