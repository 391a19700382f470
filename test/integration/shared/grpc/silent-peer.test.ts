import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RankService } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import {
  createGrpcClient,
  type GrpcClient,
  type GrpcServer,
  registerService,
  startGrpcServer,
} from '../../../../services/shared/grpc/grpc.ts';
import type { CallerCheck, ServiceIdentity } from '../../../../services/shared/identity/service-identity.ts';
import { createServiceKey, digestServiceKeys } from '../../../../services/shared/identity/service-keys.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import { type FaultProxy, startProxy } from '../../../fault/network/proxy.ts';
import { createTestAuthority } from '../../../support/access/certificates.ts';
import { createScoreDouble } from '../../../support/doubles/score-double.ts';
import { waitFor } from '../../../support/wait-for.ts';

const HOST = '127.0.0.1';
const CALL = { limitMs: 300 };

let server: GrpcServer;
let proxy: FaultProxy;
let client: GrpcClient<typeof RankService>;

const serviceKey = createServiceKey('edge');
const byKeys = async () => ({
  callers: { digests: digestServiceKeys([serviceKey]) },
  identity: { serviceKey },
});
const byCertificates = async () => {
  const authority = await createTestAuthority();
  const named = (name: string) => [{ type: 'url' as const, value: `spiffe://scoreboard/${name}` }];
  return {
    callers: { tls: await authority.issue(named('rank')) },
    identity: { tls: await authority.issue(named('edge')) },
  };
};

async function start({
  callers,
  identity,
}: {
  callers: CallerCheck;
  identity: ServiceIdentity;
}): Promise<void> {
  const allowed = ['edge'] as const;
  server = await startGrpcServer({
    ...{ host: HOST, port: 0, ...callers, log: createSilentLog() },
    services: [
      registerService(RankService, createScoreDouble().rankHandlers, {
        ...{ projectStates: allowed, getDeployment: allowed, listEntries: allowed, listPlayers: allowed },
        ...{ getTop: allowed, getRank: allowed, listAround: allowed, getPlaces: allowed },
      }),
    ],
    metrics: createMetrics('test', { runtime: false }),
  });
  proxy = await startProxy({ host: HOST, port: server.port });
  const address = `${HOST}:${proxy.port}`;
  client = createGrpcClient(RankService, { address, ...identity, unavailable: 'RANK_UNAVAILABLE' });
}

afterEach(async () => {
  client.close();
  await proxy.stop();
  await server.stop();
});

const answered = () => client.getTop({}, CALL).catch(() => undefined);

describe.each([
  ['by keys', byKeys],
  ['by certificates', byCertificates],
])('a client of services that know each other %s', (_, ways) => {
  beforeEach(async () => start(await ways()));

  it('comes back to a peer that took the connection and then said nothing', async () => {
    proxy.setMode({ kind: 'half-open' });
    await expect(client.getTop({}, CALL)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    proxy.setMode({ kind: 'pass' });
    await waitFor(answered, { describe: 'an answer' });
  });

  it('comes back to a peer that fell silent on a connection in use', async () => {
    await waitFor(answered, { describe: 'an answer' });
    proxy.setMode({ kind: 'half-open' });
    await expect(client.getTop({}, CALL)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    proxy.setMode({ kind: 'pass' });
    await waitFor(answered, { describe: 'an answer' });
  });
});
