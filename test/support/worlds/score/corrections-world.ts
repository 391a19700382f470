/** Two score and two rank services with boards that an operator corrects. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CorrectScoreRequestSchema } from '../../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import type { BoardKind } from '../../../../services/shared/values/board.ts';
import { sentAgain } from '../../clients/sent-again.ts';
import { waitFor } from '../../wait-for.ts';
import { startLimitsWorld } from './limits-world.ts';

export type CorrectionsWorld = Awaited<ReturnType<typeof startCorrectionsWorld>>;
export type Request = MessageInitShape<typeof CorrectScoreRequestSchema> & {
  readonly change: NonNullable<MessageInitShape<typeof CorrectScoreRequestSchema>['change']>;
};

const call = { limitMs: 30_000 };
type Shown = readonly (readonly [userId: string, score: bigint])[];

/** The answer, or the reason of a refusal for good. */
const reasonOr = <Answer>(calling: () => Promise<Answer>): Promise<Answer | string> =>
  sentAgain(calling).catch((error: unknown) => {
    if (error instanceof AppError) return error.reason;
    throw error;
  });

export async function startCorrectionsWorld() {
  const world = await startLimitsWorld();
  let boards = 0;

  async function createBoard({ operator, order }: BoardKind): Promise<string> {
    boards += 1;
    const name = `${operator}-${order}-${boards}`;
    await world.sql`insert into boards (name, operator, sort_order) values (${name}, ${operator}, ${order})`;
    return name;
  }

  const correct = (request: Request) =>
    reasonOr(() => world.correctionsAs('cli').correctScore(request, call));
  const request = (leaderboard: string, userId: string, change: Request['change']): Request => ({
    ...{ leaderboard, userId, change },
    ...{ operationId: crypto.randomUUID(), reason: 'a test', operator: 'otto' },
  });

  /** The standing score before and after. */
  async function corrected(leaderboard: string, userId: string, change: Request['change']) {
    const answer = await correct(request(leaderboard, userId, change));
    if (typeof answer === 'string') throw new Error(`refused: ${answer}`);
    return [answer.scoreBefore, answer.scoreAfter];
  }

  /** Top and page of a rank service, which must say the same. */
  async function shownBy(service: number, leaderboard: string): Promise<string[]> {
    const rank = world.rankAs('edge', service);
    const { entries: top } = await sentAgain(() => rank.getTop({ leaderboard }, call));
    const page = await sentAgain(() => rank.listEntries({ leaderboard }, call));
    const lists = [top, page.entries].map((entries) =>
      entries.map(({ userId, score, rank }) => [userId, score, rank].join(' ')).join(),
    );
    return [...lists, String(page.players)];
  }

  /** Resolves when both rank services show the whole board like this. */
  async function untilShown(leaderboard: string, expected: Shown): Promise<void> {
    const right = expected.map(([userId, score], at) => [userId, score, at + 1].join(' ')).join();
    let shown: string[] = [];
    for (const service of [0, 1]) {
      await waitFor(
        async () => {
          shown = await shownBy(service, leaderboard);
          return shown.join(' | ') === [right, right, expected.length].join(' | ') || undefined;
        },
        { describe: 'the board' },
      ).catch((error: unknown) => {
        throw new Error(`the board is ${shown.join(' | ')}`, { cause: error });
      });
    }
  }

  /** The player's entry as rank tells it, or the reason of its refusal. */
  async function placeOf(leaderboard: string, userId: string) {
    const answer = await reasonOr(() => world.rankAs('edge', 1).getRank({ leaderboard, userId }, call));
    return typeof answer === 'string' ? answer : answer.entry;
  }

  /** What index and Postgres do not agree on, over all boards; undefined while there is no index. */
  async function differences(): Promise<string[] | undefined> {
    const found: string[] = [];
    let cursor = '';
    do {
      const part = await reasonOr(() => world.indexAs('cli').compareIndex({ cursor }, call));
      if (typeof part === 'string') return undefined;
      found.push(...part.differences.map(({ kind, userId }) => `${kind} ${userId}`));
      cursor = part.cursor;
    } while (cursor !== '');
    return found;
  }

  return {
    ...world,
    ...{ createBoard, corrected, untilShown, placeOf, differences },
    reasonOf: async (leaderboard: string, userId: string, change: Request['change']) =>
      correct(request(leaderboard, userId, change)),
    reasonOfRequest: correct,
  };
}
