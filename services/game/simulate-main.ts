/**
 * A crowd of simulated players, and the trusted game server behind them, in one process: it earns points on a running
 * scoreboard through the same doors as a real game. Exit code 0 when anything was accepted.
 */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createGrpcClient } from '../shared/grpc/grpc.ts';
import { systemClock } from '../shared/settings/clock.ts';
import { createCrowd } from './simulate/crowd.ts';
import { findTarget, parseOptions, UsageError } from './simulate/options.ts';
import { createScorePoster } from './simulate/post-score.ts';
import { simulate } from './simulate/simulate.ts';

const { stdout, stderr } = process;
const stopping = new AbortController();
const random = Math.random;

async function run(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  const { edgeUrl, authAddress, identity } = findTarget(process.env, options);
  const { players, rate, seconds, leaderboard } = options;
  const auth = createGrpcClient(AuthService, {
    address: authAddress,
    ...identity,
    unavailable: 'AUTH_UNAVAILABLE',
  });
  const crowd = createCrowd({ auth, players, leaderboard, clock: systemClock, random });
  const poster = createScorePoster({ edgeUrl, leaderboard, random });
  try {
    const print = (line: string) => stdout.write(`${line}\n`);
    print(
      `${players} players earn points ${rate} times a second on ${edgeUrl.origin}, board "${leaderboard}"`,
    );
    const totals = await simulate({ crowd, poster, rate, seconds, signal: stopping.signal, print });
    return totals.accepted > 0 ? 0 : 1;
  } finally {
    poster.close();
    await crowd.close();
    auth.close();
  }
}

// The second signal ends it the hard way.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
// The reader of our output has had enough, as "head" does.
stdout.on('error', () => stopping.abort());

try {
  process.exitCode = await run();
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
