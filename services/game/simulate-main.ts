/**
 * Simulated players and their game server in one process. They earn points on a running scoreboard through the same
 * interfaces as a real game. Exits with 0 if any score was accepted.
 */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createGrpcClient } from '../shared/grpc/grpc.ts';
import { systemClock } from '../shared/settings/clock.ts';
import { createCrowd } from './simulate/crowd.ts';
import { findTarget, HelpRequest, parseOptions, UsageError } from './simulate/options.ts';
import { createScorePoster } from './simulate/post-score.ts';
import { simulate } from './simulate/simulate.ts';

const { stdout, stderr } = process;
const stopping = new AbortController();
const random = Math.random;

async function run(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  const { edgeUrl, authAddress, identity } = findTarget(process.env, options);
  const { players, rate, seconds = Number.POSITIVE_INFINITY, leaderboard } = options;
  const auth = createGrpcClient(AuthService, {
    address: authAddress,
    ...identity,
    unavailable: 'AUTH_UNAVAILABLE',
  });
  const crowd = createCrowd({ auth, players, leaderboard, clock: systemClock, random });
  const poster = createScorePoster({ edgeUrl, leaderboard, random });
  try {
    const print = (line: string) => stdout.write(`${line}\n`);
    print(`${players} players submit ${rate} scores a second to ${edgeUrl.origin}, board "${leaderboard}"`);
    const totals = await simulate({ crowd, poster, rate, seconds, signal: stopping.signal, print });
    return totals.accepted > 0 ? 0 : 1;
  } finally {
    poster.close();
    await crowd.close();
    auth.close();
  }
}

// The first signal ends the run with a summary; a second one kills the process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
// The reader closed the pipe, as `head` does.
stdout.on('error', () => stopping.abort());

function report(error: unknown): number {
  if (error instanceof HelpRequest) {
    stdout.write(error.message);
    return 0;
  }
  stderr.write(`${error instanceof Error ? error.message.trimEnd() : String(error)}\n`);
  return error instanceof UsageError ? 2 : 1;
}

process.exitCode = await run().catch(report);
