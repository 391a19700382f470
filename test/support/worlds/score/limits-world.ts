/** Boards with limits in a world of two score services, and their players' actions as reasons or scores. */
import type { SubmitScoresResponse_Outcome } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { connectPostgres } from '../../../../services/shared/stores/postgres/postgres.ts';
import { isSentAgain, patient } from '../../clients/sent-again.ts';
import { waitFor } from '../../wait-for.ts';
import { startScoreWorld } from './score-world.ts';

const call = { limitMs: 30_000 };

export interface Action {
  readonly actionId: string;
  readonly points: bigint;
}

export const action = (actionId: string, points = 1n): Action => ({ actionId, points });
export const actions = (count: number, points = 1n) =>
  Array.from({ length: count }, (_, n) => action(`a${n}`, points));

/** A player for each board, since an action id counts once for a player, whatever the board. */
export const adaOf = (board: string) => `ada-${board}`;

/** The reason of a refusal, or the new score. */
export const told = ({ result }: SubmitScoresResponse_Outcome) =>
  result.case === 'refused' ? result.value.reason : Number(result.value?.newScore);

type Limits = Record<string, bigint | string>;

export type LimitsWorld = Awaited<ReturnType<typeof startLimitsWorld>>;

export async function startLimitsWorld() {
  const world = await startScoreWorld({ scoreServices: 2, rankServices: 2 });
  const sql = connectPostgres({
    url: world.databaseUrl,
    connections: 2,
    applicationName: 'test',
    statementTimeoutMs: 10_000,
  });
  let boards = 0;

  /** Submits actions of one player in one call of the game server, without signatures. */
  async function submit(leaderboard: string, userId: string, given: readonly Action[], service = 0) {
    const submissions = given.map((each) => ({ ...each, leaderboard, userId }));
    const score = patient(world.scoreAs('game', service));
    return waitFor(async () => {
      const { outcomes } = await score.submitScores({ submissions }, call);
      return outcomes.some((each) => isSentAgain(told(each))) ? undefined : outcomes;
    });
  }

  const submitted = async (...args: Parameters<typeof submit>) => (await submit(...args)).map(told);

  /** Resolves when both services judge the board's actions: only judged actions are kept in a window. */
  async function setLimits(leaderboard: string, limits: Limits): Promise<void> {
    await patient(world.limitsAs('cli')).setLimits({ limits: { leaderboard, ...limits } }, call);
    for (const service of [0, 1]) {
      await waitFor(
        async () => {
          const probe = `probe-${service}-${crypto.randomUUID()}`;
          await submit(leaderboard, probe, [action('p_1', 0n)], service);
          const [row] = await sql`select 1 from player_windows where user_id = ${probe}`;
          return row;
        },
        { describe: 'a service that knows the limits' },
      );
    }
  }

  /** Creates a board with these limits, which both services know. */
  async function boardWith(limits: Limits): Promise<string> {
    boards += 1;
    const leaderboard = `board-${boards}`;
    await setLimits(leaderboard, limits);
    return leaderboard;
  }

  async function stop(): Promise<void> {
    await sql.end();
    await world.stop();
  }

  return { ...world, sql, submit, submitted, setLimits, boardWith, stop };
}
