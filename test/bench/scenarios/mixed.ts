/**
 * Everything at once: eight thousand submissions a second while five thousand sockets watch. The peer has the same audience
 * and the rate that it can take.
 */
import { type Line, rateLine, valueLine } from '../lines.ts';
import { CONVENTIONAL_NAME } from '../peers/peer.ts';
import { type AudienceResult, runAudience, type Side } from './audience.ts';
import { type Contenders, startContenders } from './contenders.ts';
import { type Scenario, type Setting, secondsOf } from './scenario.ts';

const SECONDS = 10;
const QUICK_SECONDS = 4;
const PEER_SECONDS = 5;
const SIZES = { sockets: 5_000, ratePerS: 8_000 };
const QUICK_SIZES = { sockets: 500, ratePerS: 2_000 };
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
  const sizes = args.quick ? QUICK_SIZES : SIZES;
  const common = { generator, leader, step };
  const ours = await runAudience({
    ...{ ...common, ...sizes, side: ourSide(contenders) },
    seconds: secondsOf(setting, SECONDS, QUICK_SECONDS),
  });
  const peer = await runAudience({
    ...{ ...common, ...sizes, side: peerSide(contenders), ratePerS: PEER_RATE_PER_S },
    seconds: secondsOf(setting, PEER_SECONDS, QUICK_SECONDS),
  });
  return lines(sizes, ours, peer);
}

function lines(sizes: typeof SIZES, ours: AudienceResult, peer: AudienceResult): Line[] {
  const { sockets, ratePerS } = sizes;
  const details = { ...sizes, peerRatePerS: PEER_RATE_PER_S, seen: ours.seen };
  const peerName = `${CONVENTIONAL_NAME} at ${PEER_RATE_PER_S}/s`;
  const screens = { scenario: 'mixed', unit: 'ms', slice: ours.screen, details };
  const line = (quantile: 'p50Ms' | 'p99Ms', name: string) =>
    valueLine({
      ...{ ...screens, line: `score to screen, ${sockets} sockets, ${name}`, ours: ours.screen[quantile] },
      peer: { name: peerName, value: peer.screen[quantile], slice: peer.screen },
    });
  return [
    rateLine({
      ...{ scenario: 'mixed', line: `submit at ${ratePerS}/s`, unit: 'scores/s', ours: ours.submit, details },
      peers: [{ name: peerName, slice: peer.submit }],
    }),
    line('p50Ms', 'p50'),
    line('p99Ms', 'p99'),
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
