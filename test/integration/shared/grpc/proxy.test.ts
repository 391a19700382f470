/** Proxies for the Internet, as a company's network sets them for every process: calls between services never use them. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ScoreService } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { createGrpcClient, type GrpcServer, registerService } from '../../../../services/shared/grpc/grpc.ts';
import { createServiceKey, digestServiceKeys } from '../../../../services/shared/identity/service-keys.ts';
import { createScoreDouble } from '../../../support/doubles/score-double.ts';
import { serveDouble } from '../../../support/doubles/serve.ts';

/** Port 9 (discard) accepts no connections. */
const PROXY = 'http://127.0.0.1:9';
const VARIABLES = ['http_proxy', 'https_proxy', 'grpc_proxy', 'all_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
]);
const serviceKey = createServiceKey('edge');
let server: GrpcServer;

beforeAll(async () => {
  const { handlers } = createScoreDouble();
  const callers = { submitScore: ['edge'], submitScores: ['edge'] } as const;
  server = await serveDouble(
    registerService(ScoreService, handlers, callers),
    digestServiceKeys([serviceKey]),
  );
});
afterAll(() => server.stop());
afterEach(() => vi.unstubAllEnvs());

async function call() {
  const client = createGrpcClient(ScoreService, {
    ...{ address: `127.0.0.1:${server.port}`, serviceKey },
    unavailable: 'SCORE_UNAVAILABLE',
  });
  try {
    return await client.submitScores({ submissions: [] }, { limitMs: 2_000 });
  } finally {
    client.close();
  }
}

test.each(VARIABLES)('a service is called directly, whatever %s is', async (name) => {
  for (const other of [...VARIABLES, 'no_proxy', 'NO_PROXY', 'no_grpc_proxy']) vi.stubEnv(other, '');
  vi.stubEnv(name, PROXY);
  expect(await call()).toBeDefined();
});
