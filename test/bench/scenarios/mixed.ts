/**
 * Everything at once: submissions at shares of what the machine can take, up to five times as much, while five thousand sockets
 * watch. What it can take is measured first, with the same audience. The peer has the same audience and the rate that it can take.
 */
import { type Line, valueLine } from '../measure/lines.ts';
import { CONVENTIONAL_NAME } from '../peers/peer.ts';
import { type AudienceResult, runAudience, type Side } from './audience.ts';
import { type Contenders, startContenders } from './contenders.ts';
import { type Scenario, type Setting, secondsOf, wants } from './scenario.ts';

const SECONDS = 8;
const QUICK_SECONDS = 3;
const SOCKETS = 5_000;
const QUICK_SOCKETS = 500;
const SHARES = [0.5, 0.8, 1.2, 2, 5];
const CAPACITY_CONNECTIONS = 512;
/** Beyond what the product keeps waiting, so that it must refuse. */
const CONNECTIONS = 3_000;
const PEER_RATE_PER_S = 500;

export const mixed: Scenario = async (setting) => {
  const contenders = await startContenders(setting);
  try {
    return await run(setting, contenders);
  } finally {
    await contenders.stop();
  }
};

async function run(setting: Setting, contenders: Contenders): Promise<Line[]> {
  const { args, step } = setting;
  const { generator, world } = contenders;
  const [leader] = world.players;
  if (leader === undefined) throw new Error('there are no players');
  const sockets = args.quick ? QUICK_SOCKETS : SOCKETS;
  const seconds = secondsOf(setting, SECONDS, QUICK_SECONDS);
  const common = { generator, leader, step, sockets, seconds };
  const ours = { ...common, side: ourSide(contenders) };
  const capacity = await runAudience({ ...ours, connections: CAPACITY_CONNECTIONS });
  const peer = await runAudience({ ...common, side: peerSide(contenders), ratePerS: PEER_RATE_PER_S });
  const lines: Line[] = [];
  for (const share of SHARES) {
    if (!wants(setting, nameOf(share))) continue;
    const ratePerS = Math.round(capacity.submit.perSecond * share);
    const result = await runAudience({ ...ours, ratePerS, connections: CONNECTIONS, maxWaiting: 0 });
    lines.push(...linesOf({ share, ratePerS, sockets, capacity, result, peer }));
  }
  return lines;
}

const nameOf = (share: number): string => `${share} times the capacity`;

interface Findings {
  share: number;
  ratePerS: number;
  sockets: number;
  /** Of a closed loop. */
  capacity: AudienceResult;
  result: AudienceResult;
  peer: AudienceResult;
}

function linesOf({ share, ratePerS, sockets, capacity, result, peer }: Findings): Line[] {
  const { submit, screen, refusalP99Ms, seen } = result;
  const name = nameOf(share);
  const peerName = `${CONVENTIONAL_NAME} at ${PEER_RATE_PER_S}/s`;
  const capacityPerS = capacity.submit.perSecond;
  const details = { capacityPerS, ratePerS, statuses: submit.statuses, sockets, seen };
  const common = { scenario: 'mixed', unit: 'ms', details } as const;
  return [
    valueLine({
      ...{ ...common, unit: '% of capacity', lowerIsBetter: false, line: `${name}, accepted` },
      ...{ ours: (submit.perSecond / capacityPerS) * 100, slice: submit },
    }),
    valueLine({
      ...{ ...common, line: `${name}, accepted, p99`, ours: submit.p99Ms, slice: submit },
      peer: { name: peerName, value: peer.submit.p99Ms, slice: peer.submit },
    }),
    valueLine({ ...common, line: `${name}, refused, p99`, ours: refusalP99Ms, errors: 0 }),
    ...(['p50', 'p99'] as const).map((quantile) =>
      valueLine({
        ...{ ...common, line: `${name}, score to screen, ${quantile}` },
        ...{ ours: screen[`${quantile}Ms`], slice: screen },
        peer: { name: peerName, value: peer.screen[`${quantile}Ms`], slice: peer.screen },
      }),
    ),
  ];
}

/** Source addresses of their own: one has ports for 28,000 sockets. */
function ourSide({ world, groups }: Contenders): Side {
  return {
    port: world.edgePort,
    signer: { kind: 'auth', address: world.authAddress, serviceKey: world.serviceKey('cli') },
    groups,
    live: { port: world.fanoutPort, path: '/live', dialect: 'plain', localAddress: '127.0.9.1' },
    async scoreOf({ token }) {
      const response = await fetch(`${world.stack.edgeUrl}/api/v1/scoreboard/me`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return ((await response.json()) as { score: number }).score;
    },
  };
}

function peerSide({ peer, peerGroups }: Contenders): Side {
  const { port } = peer;
  return {
    port,
    signer: { kind: 'conventional', secret: peer.actionSecret },
    groups: peerGroups,
    live: {
      ...{ port, path: '/socket.io/?EIO=4&transport=websocket' },
      ...{ dialect: 'socket.io', localAddress: '127.0.9.2' },
    },
    async scoreOf({ userId }) {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/scoreboard/top`);
      const entries = (await response.json()) as { username: string; score: number }[];
      return entries.find(({ username }) => username === userId)?.score ?? 0;
    },
  };
}
