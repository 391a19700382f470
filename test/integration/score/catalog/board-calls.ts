/** Calls of a test about boards, which follow the retry rule. */
import type { Accepted, SubmitScoresResponse_Outcome } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { isSentAgain, sentAgain } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type LimitsWorld, told } from '../../../support/worlds/score/limits-world.ts';
import type { LedgerRow } from './board-model.ts';

const call = { limitMs: 10_000 };

export interface Given {
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
}

const isRefusedByBusyMachine = ({ result }: SubmitScoresResponse_Outcome) =>
  result.case === 'refused' && isSentAgain(result.value.reason);

/** Sends one call until a busy machine lets all of it through. What counted before is then a repeat. */
export function send(
  client: Pick<ReturnType<LimitsWorld['scoreAs']>, 'submitScores'>,
  submissions: readonly (Given & { leaderboard: string; signature?: string })[],
): Promise<SubmitScoresResponse_Outcome[]> {
  return waitFor(
    async () => {
      const { outcomes } = await sentAgain(() =>
        client.submitScores({ submissions: [...submissions] }, call),
      );
      return outcomes.some(isRefusedByBusyMachine) ? undefined : outcomes;
    },
    { describe: 'an answer to all of a call' },
  );
}

export const onBoard = (leaderboard: string, given: readonly Given[]) =>
  given.map((each) => ({ ...each, leaderboard }));

export const answerOf = ({ newScore, version, changed }: Accepted) => ({ newScore, version, changed });

/** The calls, bound to a world. */
export function createBoardCalls(world: LimitsWorld) {
  /** The reason of each refusal, or the new score. */
  const tell = async (board: string, given: readonly Given[], service = 0) =>
    (await send(world.scoreAs('game', service), onBoard(board, given))).map(told);

  async function submit(board: string, given: readonly Given[], service: number): Promise<Accepted[]> {
    const outcomes = await send(world.scoreAs('game', service), onBoard(board, given));
    return outcomes.map(({ result }) => {
      if (result.case !== 'accepted') throw new Error(`refused: ${JSON.stringify(result.value?.reason)}`);
      return result.value;
    });
  }

  /** Resolves when rank shows the board like this. */
  async function untilShown(leaderboard: string, expected: readonly unknown[]): Promise<void> {
    const print = (entries: readonly unknown[]) => entries.map(String).join();
    let shown = '';
    await waitFor(
      async () => {
        const { entries } = await sentAgain(() => world.rankAs('edge', 1).getTop({ leaderboard }, call));
        shown = print(entries.map(({ userId, score, rank }) => [userId, score, rank]));
        return shown === print(expected) || undefined;
      },
      { describe: `the board ${print(expected)}` },
    ).catch((error: unknown) => {
      throw new Error(`the board is ${shown}`, { cause: error });
    });
  }

  const ledgerOf = (board: string) =>
    world.sql<LedgerRow[]>`
      select user_id, action_id, points, score_after, version, position from actions
      where leaderboard = ${board} order by user_id, version`;

  /** What the rank index and Postgres do not agree on, over all boards; undefined while there is no index. */
  function differences(): Promise<string[] | undefined> {
    return compareAll().catch((error: unknown) => {
      // Rank answers INTERNAL while Redis is away and it has not noticed yet.
      if (error instanceof AppError && ['INDEX_UNAVAILABLE', 'INTERNAL'].includes(error.reason))
        return undefined;
      throw error;
    });
  }

  async function compareAll(): Promise<string[]> {
    const found: string[] = [];
    let cursor = '';
    do {
      const part = await sentAgain(() => world.indexAs('cli').compareIndex({ cursor }, call));
      found.push(...part.differences.map(({ kind, userId }) => `${kind} ${userId}`));
      cursor = part.cursor;
    } while (cursor !== '');
    return found;
  }
  return { tell, submit, untilShown, ledgerOf, differences };
}
