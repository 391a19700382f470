/** Real tokens, signatures and rounds of a running stack. */
import type { StackProcesses } from '../support/processes/stack-processes.ts';
import type { Corpus } from './http-inputs.ts';

/** Many players, so that the limit of one is not all that is met. */
const PLAYERS = 200;
const ROUNDS = 20;

/** What a stack needs so that inputs are looked at instead of counted. */
export const FUZZ_ENV: Readonly<Record<string, string>> = {
  RATE_USER_PER_S: '100000',
  RATE_USER_BURST: '100000',
};

export async function createCorpus(stack: StackProcesses): Promise<Corpus> {
  const users = Array.from({ length: PLAYERS }, (_, index) => `fuzz-${index}`);
  const lines = async (args: readonly string[], input: readonly string[]) => {
    const { stdout, code } = await stack.cli(args, `${input.join('\n')}\n`);
    if (code !== 0) throw new Error(`cli ${args.join(' ')} ended with ${code}`);
    return stdout.trim().split('\n');
  };
  const tokens = await lines(['token', '-'], users);
  const signatures = await lines(
    ['sign', '-'],
    users.map((user, index) => `${user} action-${index} ${index}`),
  );
  const rounds = await Promise.all(
    tokens.slice(0, ROUNDS).map(async (token) => {
      const response = await fetch(`${stack.gameUrl}/v1/rounds`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
      const { roundId } = (await response.json()) as { roundId: string };
      return roundId;
    }),
  );
  const actions = tokens.map((token, index) => ({
    token,
    actionId: `action-${index}`,
    points: index,
    signature: signatures[index] ?? '',
  }));
  return { tokens, actions, rounds };
}
