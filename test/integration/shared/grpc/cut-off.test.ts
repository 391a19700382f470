/** Answers that end before they are whole: the way to the peer has failed, and nobody knows what came of the call. */
import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ScoreService } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { createGrpcClient, type GrpcClient } from '../../../../services/shared/grpc/grpc.ts';
import { createServiceKey } from '../../../../services/shared/identity/service-keys.ts';

let server: Http2Server;
let client: GrpcClient<typeof ScoreService>;
/** Asks in a conversation. */
let talker: GrpcClient<typeof ScoreService>;
/** How the peer ends a call. */
let end: (stream: ServerHttp2Stream) => void;

beforeEach(async () => {
  server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    end(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const options = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    serviceKey: createServiceKey('edge'),
    unavailable: 'SCORE_UNAVAILABLE',
  } as const;
  client = createGrpcClient(ScoreService, options);
  talker = createGrpcClient(ScoreService, { ...options, conversations: ['submitScores'] });
});

afterEach(() => {
  client.close();
  talker.close();
  server.close();
});

const head = { ':status': 200, 'content-type': 'application/grpc' };

const begun = (ending: typeof end) => (stream: ServerHttp2Stream) => {
  stream.respond(head);
  ending(stream);
};

test.each<[string, typeof end]>([
  ['without a status', begun((stream) => stream.end())],
  ['by a reset', begun((stream) => stream.close(2))],
  ['by a reset before it began', (stream) => stream.close(1)],
  ['with its connection', (stream) => stream.session?.destroy()],
])('an answer that ends %s is that of a service which can not be reached', async (_, how) => {
  end = how;
  for (const each of [client, talker]) {
    await expect(each.submitScores({ submissions: [] }, { limitMs: 2_000 })).rejects.toMatchObject({
      reason: 'SCORE_UNAVAILABLE',
    });
  }
});
