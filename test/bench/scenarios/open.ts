/** Signed submissions at steady rates, whatever the answers do: what a player waits for, not what a machine can take. */
import { type Slice, valueLine } from '../measure/lines.ts';
import { alternate } from '../measure/measure.ts';
import { CONVENTIONAL_NAME } from '../peers/peer.ts';
import { startContenders } from './contenders.ts';
import { type Scenario, secondsOf, wants } from './scenario.ts';

const SECONDS = 5;
const WARMUP_S = 1;
const RATES_PER_S = [500, 2_000, 8_000];
/** Enough for the highest rate to wait a quarter of a second for every answer. */
const CONNECTIONS = 2_000;
/** Beyond what the conventional stack can take its queue only grows: there is nothing to learn from longer runs. */
const PEER_MAX_RATE_PER_S = 2_000;

export const open: Scenario = async (setting) => {
  const { args, step } = setting;
  const contenders = await startContenders(setting);
  const seconds = secondsOf(setting, SECONDS);
  const lines = [];
  try {
    for (const ratePerS of RATES_PER_S) {
      const line = `REST at ${ratePerS}/s`;
      if (!wants(setting, line)) continue;
      step(`open: ${line}`);
      const connections = args.connections?.at(-1) ?? CONNECTIONS;
      const load = { seconds, warmupS: WARMUP_S, connections, ratePerS };
      const count = ratePerS * (seconds + WARMUP_S) + 1;
      const ours = () => contenders.submitOurs('rest', count, load);
      const peer = () => contenders.submitPeer(count, load);
      const slices: { ours: Slice; peer?: Slice } =
        ratePerS <= PEER_MAX_RATE_PER_S
          ? await alternate(args.rounds, { ours, peer })
          : await alternate(args.rounds, { ours });
      const { ours: own, peer: other } = slices;
      lines.push(
        valueLine({
          ...{ scenario: 'open', line: `${line}, p99`, unit: 'ms', ours: own.p99Ms, slice: own },
          peer: other && { name: CONVENTIONAL_NAME, value: other.p99Ms, slice: other },
          details: { ratePerS, reachedPerS: own.perSecond, peerReachedPerS: other?.perSecond },
        }),
      );
    }
  } finally {
    await contenders.stop();
  }
  return lines;
};
