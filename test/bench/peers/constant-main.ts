/** The ceiling of a read: the edge's own HTTP server, with routes that know their bytes from the start. */
import { createCors } from '../../../edge/http/server/cors.ts';
import { route, startHttpServer } from '../../../edge/http/server/http-server.ts';
import { parseTrustedProxies } from '../../../services/shared/net/client-address.ts';
import { createConnections } from '../../../services/shared/net/connections.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';
import { answerCalls } from '../processes/calls.ts';

export type ConstantCalls = {
  start: (input: { body: string; getPaths: string[]; postPaths: string[] }) => { port: number };
};

const MAX_BODY_BYTES = 16 * 1024;

answerCalls<ConstantCalls>({
  async start({ body, getPaths, postPaths }) {
    const bytes = Buffer.from(body);
    const gets = getPaths.map((path) => route('GET', path, (exchange) => exchange.json(200, bytes)));
    const posts = postPaths.map((path) =>
      route('POST', path, async (exchange) => {
        await exchange.readBody(MAX_BODY_BYTES);
        exchange.json(200, bytes);
      }),
    );
    const { port } = await startHttpServer({
      host: '127.0.0.1',
      port: 0,
      routes: new Map([...gets, ...posts]),
      cors: createCors({ lists: () => false }, []),
      trustedProxies: parseTrustedProxies({}),
      connections: createConnections({
        limits: { most: Number.POSITIVE_INFINITY, perAddress: { perSecond: 1, burst: 1 } },
        isExempt: () => true,
        onRefused: () => undefined,
      }),
      metrics: createMetrics('constant', { runtime: false }),
      log: createSilentLog(),
    });
    return { port };
  },
});
