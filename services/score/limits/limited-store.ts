/**
 * Accepting actions that are judged one by one: those of boards with limits, and those of players who are shut out. One
 * autocommit statement judges a batch and writes what it accepts, with the outbox row, or nothing at all.
 */
import { AppError, isReason } from '../../shared/errors/app-error.ts';
import { arrayLiteral, type PostgresPool, sqlCode, UNIQUE_VIOLATION } from '../../shared/stores/postgres.ts';
import type { IndexState, PlayerState } from '../../shared/values/board.ts';
import { type AcceptedBatch, FAST_PATH_LEASE } from '../submit/accept-store.ts';
import type { AcceptAnswer, AcceptCommand } from '../submit/action.ts';

export interface LimitedBatch {
  /** In the order of the actions. */
  readonly answers: ReadonlyArray<AcceptAnswer | AppError>;
  readonly batch: AcceptedBatch;
}

export interface LimitedStore {
  /** undefined when some action was just being accepted elsewhere: nothing was written. */
  accept(actions: readonly AcceptCommand[], limitMs: number): Promise<LimitedBatch | undefined>;
}

interface JudgedRow {
  place: number;
  leaderboard: string;
  user_id: string;
  outcome: string;
  retry_after_ms: bigint;
  username: string;
  points: bigint;
  version: bigint;
  reached: bigint;
  outbox_id: bigint | null;
  epoch: bigint;
  source: IndexState['source'];
  building: bigint | null;
}

export function createLimitedStore(pool: PostgresPool): LimitedStore {
  return {
    async accept(actions, limitMs) {
      const list = <Value extends string | bigint>(read: (action: AcceptCommand) => Value) =>
        arrayLiteral(actions.map(read));
      try {
        const rows = await pool.run(
          (sql) => sql<JudgedRow[]>`
            with judged as materialized (
              select * from accept_limited_actions(
                ${list((a) => a.leaderboard)}::text[],
                ${list((a) => a.userId)}::text[],
                ${list((a) => a.username)}::text[],
                ${list((a) => a.actionId)}::text[],
                ${list((a) => a.points)}::bigint[],
                ${list((a) => a.keyId)}::text[],
                ${list((a) => a.caller)}::text[])
            ), box as (
              insert into outbox (leaderboards, user_ids, next_attempt_at)
              select array_agg(leaderboard), array_agg(user_id), now() + ${FAST_PATH_LEASE}::interval
              from (select distinct leaderboard, user_id from judged where outcome = 'ACCEPTED') as changed
              having count(*) > 0
              returning id
            )
            select judged.*, (select id from box) as outbox_id, r.epoch, r.source, r.building
            from judged, rank_index r order by judged.place`,
          limitMs,
        );
        return toLimitedBatch(rows);
      } catch (error) {
        if (sqlCode(error) === UNIQUE_VIOLATION) return undefined;
        throw error;
      }
    },
  };
}

function toLimitedBatch(rows: readonly JudgedRow[]): LimitedBatch {
  const [first] = rows;
  if (first === undefined) throw new Error('the row of rank_index is missing');
  const players = new Map<string, PlayerState>();
  for (const row of rows) {
    if (row.outcome !== 'ACCEPTED') continue;
    const { leaderboard, user_id: userId, username, points, version, reached } = row;
    players.set(`${leaderboard} ${userId}`, { leaderboard, userId, username, points, version, reached });
  }
  return {
    answers: rows.map(toAnswer),
    batch: {
      players: [...players.values()],
      outboxId: first.outbox_id ?? undefined,
      index: { epoch: first.epoch, source: first.source, building: first.building ?? undefined },
    },
  };
}

function toAnswer({ outcome, points, version, retry_after_ms }: JudgedRow): AcceptAnswer | AppError {
  if (outcome === 'ACCEPTED' || outcome === 'REPLAYED') {
    return { newScore: points, version, replayed: outcome === 'REPLAYED' };
  }
  if (!isReason(outcome)) throw new Error(`an action was judged to be ${outcome}`);
  return new AppError(outcome, { retryAfterMs: Number(retry_after_ms) });
}
