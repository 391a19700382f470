/**
 * The commit of the judged lane, in Postgres. One autocommit statement decides on each action of a batch in order, and writes
 * the accepted ones with the outbox row, or nothing at all.
 */
import { AppError, isReason } from '../../shared/errors/app-error.ts';
import { arrayLiteral, isRepeatIn } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import { type IndexState, type PlayerState, playerKey, toScore } from '../../shared/values/board.ts';
import { type AcceptedBatch, FAST_PATH_LEASE, LOCK_LIMIT_MS } from '../accept/accept-store.ts';
import type { AcceptAnswer, Action } from '../accept/action.ts';

export interface LimitedBatch {
  /** In the order of the actions. */
  readonly answers: ReadonlyArray<AcceptAnswer | AppError>;
  readonly batch: AcceptedBatch;
}

export interface LimitedStore {
  /** Returns undefined, and writes nothing, if another writer was accepting one of the actions. */
  accept(actions: readonly Action[], limitMs: number): Promise<LimitedBatch | undefined>;
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
  changed_score: boolean;
  is_void: boolean;
  outbox_id: bigint | null;
  epoch: bigint;
  source: IndexState['source'];
  building: bigint | null;
}

export function createLimitedStore(pool: PostgresPool, lockLimitMs = LOCK_LIMIT_MS): LimitedStore {
  return {
    async accept(actions, limitMs) {
      const list = <Value extends string | bigint>(read: (action: Action) => Value) =>
        arrayLiteral(actions.map(read));
      try {
        const rows = await pool.run(
          (sql) => sql<JudgedRow[]>`
            with lock_limit as materialized (
              -- It applies to the judging, which takes an argument from here.
              select set_config('lock_timeout', ${String(lockLimitMs)}, true), ${list((a) => a.caller)}::text[] as callers
            ), judged as materialized (
              select j.* from lock_limit, accept_limited_actions(
                ${list((a) => a.leaderboard)}::text[],
                ${list((a) => a.userId)}::text[],
                ${list((a) => a.username)}::text[],
                ${list((a) => a.actionId)}::text[],
                ${list((a) => a.points)}::bigint[],
                ${list((a) => a.keyId)}::text[],
                lock_limit.callers) as j
            ), box as (
              insert into outbox (leaderboards, user_ids, next_attempt_at)
              select array_agg(leaderboard), array_agg(user_id), now() + ${FAST_PATH_LEASE}::interval
              from (select distinct leaderboard, user_id from judged where outcome = 'ACCEPTED') as changed
              having count(*) > 0
              returning id
            )
            select a.*, (select id from box) as outbox_id, r.epoch, r.source, r.building,
                   a.outcome = 'REPLAYED' and exists (
                     select from corrections v
                     where v.kind = 'void' and v.user_id = a.user_id and v.action_id = given.action_id collate "C"
                   ) as is_void
            from judged a
            join unnest(${list((a) => a.actionId)}::text[]) with ordinality as given (action_id, place)
              on given.place = a.place
            cross join rank_index r order by a.place`,
          limitMs,
        );
        return toLimitedBatch(rows);
      } catch (error) {
        if (isRepeatIn('actions', error)) return undefined;
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
    const state = { leaderboard, userId, username, points, version, reached };
    players.set(playerKey(state), state);
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

function toAnswer({
  outcome,
  points,
  changed_score,
  version,
  retry_after_ms,
  is_void,
}: JudgedRow): AcceptAnswer | AppError {
  if (is_void) return new AppError('ACTION_VOIDED');
  if (outcome === 'ACCEPTED' || outcome === 'REPLAYED') {
    const replayed = outcome === 'REPLAYED';
    return { newScore: toScore(points), changed: changed_score, version, replayed };
  }
  if (!isReason(outcome)) throw new Error(`an action was judged to be ${outcome}`);
  return new AppError(outcome, { retryAfterMs: Number(retry_after_ms) });
}
