/** Services that know each other by certificates: each may do what the inventory says, and nobody else may do anything. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AuthService } from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { IndexService } from '../../../../gen/scoreboard/rank/v1/index_pb.ts';
import { RankService } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AuditService } from '../../../../gen/scoreboard/score/v1/audit_pb.ts';
import { LimitsService } from '../../../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../../../gen/scoreboard/score/v1/operator_pb.ts';
import { ScoreService } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { createGrpcClient } from '../../../../services/shared/grpc/grpc.ts';
import {
  certificateUri,
  type TlsCredentials,
} from '../../../../services/shared/identity/service-certificate.ts';
import { SERVICE_NAMES, type ServiceName } from '../../../../services/shared/identity/service-keys.ts';
import {
  type CertificateFolder,
  createTestAuthority,
  makeCertificateFolder,
  type TestAuthority,
} from '../../../support/access/certificates.ts';
import { rawCall } from '../../../support/clients/raw-grpc.ts';
import { patient, ranked } from '../../../support/clients/sent-again.ts';
import { startTlsServer, type TlsServer } from '../../../support/doubles/tls-server.ts';
import { type ScoreWorld, startScoreWorld } from '../../../support/worlds/score/score-world.ts';

const SOON = { limitMs: 30_000 };
const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;
const named = (name: string) => [{ type: 'url' as const, value: `spiffe://scoreboard/${name}` }];

/** The reason of a refusal, or "answered". */
const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: { reason?: string }) => error.reason ?? String(error),
  );

/** "AuthService/IssueToken" to the services that may call it, as docs/security.md lists them. */
const inventory = new Map(
  readFileSync(fileURLToPath(new URL('../../../../docs/security.md', import.meta.url)), 'utf8')
    .split('\n')
    .map((line) =>
      /^\| `((?:Auth|Score|Rank|Index|Operator|Audit|Limits)Service\/\w+)` \| ([a-z, ]+) \|$/.exec(line),
    )
    .filter((row) => row !== null)
    .map(([, method = '', who = '']) => [method, who.split(', ')] as const),
);

describe('each service of the product', () => {
  let folder: CertificateFolder;
  let world: ScoreWorld;
  beforeAll(async () => {
    folder = await makeCertificateFolder();
    world = await startScoreWorld({ certificates: folder.dir });
  });
  afterAll(async () => {
    await world?.stop();
    await folder?.remove();
  });

  test('does with its certificate what it may, and nothing else, at every method there is', async () => {
    const services = [
      ...[AuthService, ScoreService, OperatorService, AuditService, LimitsService],
      ...[RankService, IndexService],
    ];
    const methods = services.flatMap(({ name, methods: own }) =>
      own.map(({ name: method }) => {
        const [, stream = '', first = '', rest = ''] = /^(Stream)?(.)(.*)$/.exec(method) ?? [];
        return { service: name, method, client: name + stream, localName: first.toLowerCase() + rest };
      }),
    );
    expect(inventory.size).toBe(methods.length);
    const clientsOf = (caller: ServiceName): Record<string, object> => ({
      AuthService: world.authAs(caller),
      AuthServiceStream: world.authAs(caller, 'conversations'),
      ScoreService: world.scoreAs(caller),
      ScoreServiceStream: world.scoreAs(caller, 0, 'conversations'),
      OperatorService: world.operatorAs(caller),
      AuditService: world.auditAs(caller),
      LimitsService: world.limitsAs(caller),
      RankService: world.rankAs(caller),
      RankServiceStream: world.rankAs(caller, 0, 'conversations'),
      IndexService: world.indexAs(caller),
    });
    for (const caller of SERVICE_NAMES) {
      const clients = clientsOf(caller);
      for (const { service, method, client: name, localName } of methods) {
        const client = clients[name] as Record<
          string,
          (request: object, options: object) => Promise<unknown>
        >;
        const may = inventory.get(`${service}/${method}`)?.includes(caller) === true;
        const reason = await outcome(client[localName]?.({}, SOON) ?? Promise.reject());
        const isIn = !/^(?:CALLER_NOT_ALLOWED|SERVICE_\w+_INVALID|\w+_UNAVAILABLE)$/.test(reason);
        expect([caller, method, isIn]).toEqual([caller, method, may]);
        // The certificates of auth and rank are no client's, so its connection ends before a method is named.
        if (!may)
          expect(reason).toMatch(/^(?:auth|rank)$/.test(caller) ? /_UNAVAILABLE$/ : /^CALLER_NOT_ALLOWED$/);
      }
    }
  });

  test('takes its part in a score', async () => {
    const { signature } = await patient(world.authAs('game')).signAction(
      { action: { userId: 'alice', actionId: 'a1', points: 100n, leaderboard: 'global' } },
      SOON,
    );
    const submission = { userId: 'alice', actionId: 'a1', points: 100n, leaderboard: 'global', signature };
    const accepted = await ranked(() => world.scoreAs('edge').submitScore({ submission }, SOON));
    expect(accepted).toMatchObject({ newScore: 100n, rank: 1n });
  });

  test("does not let in a service key, a player's token, plain text or a certificate of another authority", async () => {
    const { accessToken } = await patient(world.authAs('game')).issueToken({ userId: 'alice' }, SOON);
    const stranger = await (await createTestAuthority()).issue(named('cli'));
    for (const serviceKey of [world.serviceKeys.cli, accessToken]) {
      const client = createGrpcClient(AuthService, {
        ...{ address: world.authAddress, serviceKey, unavailable: 'AUTH_UNAVAILABLE' },
      });
      expect(await outcome(client.issueToken({ userId: 'alice' }, SOON))).toBe('AUTH_UNAVAILABLE');
      client.close();
    }
    const client = createGrpcClient(AuthService, {
      address: world.authAddress,
      tls: { ...stranger, ca: readFileSync(`${folder.dir}/cli/ca.crt`) },
      unavailable: 'AUTH_UNAVAILABLE',
    });
    expect(await outcome(client.issueToken({ userId: 'alice' }, SOON))).toBe('AUTH_UNAVAILABLE');
    client.close();
  });
});

describe('a server', () => {
  let authority: TestAuthority;
  let server: TlsServer;
  let edge: TlsCredentials;
  beforeAll(async () => {
    authority = await createTestAuthority();
    server = await startTlsServer(await authority.issue(named('rank')));
    edge = await authority.issue(named('edge'));
  });
  afterAll(() => server?.stop());

  async function callWith(tls: TlsCredentials): Promise<string> {
    const client = createGrpcClient(RankService, {
      ...{ address: server.address, tls, unavailable: 'RANK_UNAVAILABLE' },
    });
    try {
      return await outcome(client.getTop({}, SOON));
    } finally {
      client.close();
    }
  }

  const top = `/${RankService.typeName}/GetTop`;
  const anyServer = { checkServerIdentity: () => undefined };

  test('accepts services that may call', async () => {
    expect(await callWith(edge)).toBe('answered');
    expect(server.callers).toEqual(['edge']);
    const channel = credentials.createSsl(edge.ca, edge.key, edge.cert, anyServer);
    expect(await rawCall(server.address, channel, top)).toBe(0);
  });

  test('believes the authority before its own too, where it was given both', async () => {
    const before = await createTestAuthority();
    for (const both of [
      [before.ca, authority.ca],
      [authority.ca, before.ca],
    ]) {
      const ca = Buffer.concat(both);
      const believer = await startTlsServer({ ...(await authority.issue(named('rank'))), ca });
      for (const issuer of [before, authority]) {
        const client = createGrpcClient(RankService, {
          address: believer.address,
          tls: { ...(await issuer.issue(named('edge'))), ca },
          unavailable: 'RANK_UNAVAILABLE',
        });
        expect(await outcome(client.getTop({}, SOON))).toBe('answered');
        client.close();
      }
      await believer.stop();
    }
  });

  test('goes by the certificate, whatever the call says of itself', async () => {
    const game = await authority.issue(named('game'));
    expect(await callWith(game)).toBe('CALLER_NOT_ALLOWED');
    const channel = credentials.createSsl(game.ca, game.key, game.cert, anyServer);
    const headers = { 'x-service-key': 'edge.x', 'x-caller': 'edge' };
    expect(await rawCall(server.address, channel, top, headers)).toBe(PERMISSION_DENIED);
  });

  test.each([
    ['of an unknown service', named('root')],
    ['of another trust domain', [{ type: 'url' as const, value: 'spiffe://elsewhere/edge' }]],
    ['with a host name alone', [{ type: 'dns' as const, value: 'edge' }]],
    ['of two services', [...named('edge'), ...named('cli')]],
    [
      'with a name inside a name',
      [{ type: 'dns' as const, value: 'a, URI:spiffe://scoreboard/edge, DNS:b' }],
    ],
  ])('refuses a certificate %s, also when the authority issued it', async (_, names) => {
    const before = server.callers.length;
    expect(await callWith(await authority.issue(names))).toBe('SERVICE_CERTIFICATE_INVALID');
    expect(server.callers).toHaveLength(before);
  });

  test.each<[string, () => Promise<TlsCredentials>]>([
    ['of another authority', async () => (await createTestAuthority()).issue(named('edge'))],
    [
      'whose time is over',
      () =>
        authority.issue(named('edge'), { notBefore: new Date(0), notAfter: new Date(Date.now() - 60_000) }),
    ],
    [
      'whose time has not come',
      () => {
        const notBefore = new Date(Date.now() + 3_600_000);
        return authority.issue(named('edge'), {
          notBefore,
          notAfter: new Date(notBefore.getTime() + 3_600_000),
        });
      },
    ],
    ['that is a server alone', () => authority.issue(named('edge'), { usages: ['server'] })],
  ])('ends the connection of a certificate %s', async (_, issue) => {
    const before = server.callers.length;
    const bad = await issue();
    expect(await callWith({ ...bad, ca: authority.ca })).toBe('RANK_UNAVAILABLE');
    expect(server.callers).toHaveLength(before);
  });

  test('closes a connection without a certificate, and one in plain text, whatever the request', async () => {
    for (const path of [top, '/grpc.health.v1.Health/Check', '/grpc.reflection.v1.ServerReflection/X']) {
      const nameless = credentials.createSsl(authority.ca, null, null, anyServer);
      expect([path, await rawCall(server.address, nameless, path)]).toEqual([path, UNAVAILABLE]);
      expect([path, await rawCall(server.address, credentials.createInsecure(), path)]).toEqual([
        path,
        UNAVAILABLE,
      ]);
    }
  });
});

describe('a client', () => {
  test.each<[string, (authority: TestAuthority) => Promise<TlsCredentials>, string]>([
    ['stays at the service that it means', (authority) => authority.issue(named('rank')), 'answered'],
    ['leaves another service', (authority) => authority.issue(named('auth')), 'RANK_UNAVAILABLE'],
    [
      'leaves a server that has the host name alone',
      (authority) =>
        authority.issue([
          { type: 'dns', value: 'score' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      'RANK_UNAVAILABLE',
    ],
    [
      'leaves a server whose certificate is a client alone',
      (authority) => authority.issue(named('rank'), { usages: ['client'] }),
      'RANK_UNAVAILABLE',
    ],
    [
      'leaves a server of another authority',
      async (authority) => ({
        ...(await (await createTestAuthority()).issue([{ type: 'url', value: certificateUri('score') }])),
        ca: authority.ca,
      }),
      'RANK_UNAVAILABLE',
    ],
  ])('%s', async (_, issue, expected) => {
    const authority = await createTestAuthority();
    const server = await startTlsServer(await issue(authority));
    const client = createGrpcClient(RankService, {
      address: server.address,
      tls: await authority.issue(named('edge')),
      unavailable: 'RANK_UNAVAILABLE',
    });
    try {
      expect(await outcome(client.getTop({}, SOON))).toBe(expected);
      expect(server.callers).toHaveLength(expected === 'answered' ? 1 : 0);
    } finally {
      client.close();
      await server.stop();
    }
  });
});

test('a certificate of no known service is unauthenticated', async () => {
  const authority = await createTestAuthority();
  const server = await startTlsServer(await authority.issue(named('rank')));
  const client = createGrpcClient(RankService, {
    ...{
      address: server.address,
      tls: await authority.issue(named('nobody')),
      unavailable: 'RANK_UNAVAILABLE',
    },
  });
  await expect(client.getTop({}, SOON)).rejects.toMatchObject({
    kind: 'unauthenticated',
    message: 'The certificate belongs to no known service.',
  });
  client.close();
  await server.stop();
});
