/**
 * The commit, in Postgres. One autocommit statement writes a whole batch: totals of players, ledger entries (the table
 * `actions`) and the outbox row, or nothing at all. All players' rows are locked first, in byte order of (leaderboard, user id);
 * then the actions are written in byte order of (user id, action id). The judged lane does the same (migration 0013), so writers
 * can neither deadlock nor interleave on a player, whatever boards an action id is sent to. The name on the
 * board is that of the player's profile, if there is one, because a token may contain an older name. Reading the profile would
 * cost a sixth of the statement, so it is left out when the player's row exists and has the name of the submission.
 */
import { type ScoreRow, toPlayerState } from '../../shared/stores/postgres/player-state-store.ts';
import { arrayLiteral, isRepeatIn } from '../../shared/stores/postgres/postgres.ts';
import type { PostgresPool } from '../../shared/stores/postgres/postgres-pool.ts';
import type { IndexState, Operator, PlayerState } from '../../shared/values/board.ts';
import { createSeenPlayers } from './seen-players.ts';

/** The sums of one player's actions in a batch. On a board that does not add up it is one action. */
export interface PlayerTotal {
  readonly leaderboard: string;
  readonly operator: Operator;
  readonly userId: string;
  /** Shown for a player without a profile; empty keeps the present name. */
  readonly username: string;
  /** As a value: greater is better. */
  readonly points: bigint;
  readonly actions: number;
  /** Place in the batch of the last action that changed the points, or of the last action if none did. */
  readonly reachedAt: number;
}

/** One action of a batch, as it is written. */
export interface ActionRow {
  readonly leaderboard: string;
  readonly operator: Operator;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly keyId: string;
  readonly caller: string;
  /** Sums of the same player's later actions in this batch: the entry's value is the new total minus this. */
  readonly pointsAfter: bigint;
  readonly actionsAfter: number;
}

export interface AcceptedBatch {
  /** The new states. A player whose total would exceed the limit is missing, and none of that player's actions are written. */
  readonly players: readonly PlayerState[];
  /** Undefined if no player was accepted. */
  readonly outboxId: bigint | undefined;
  readonly index: IndexState;
}

/** A batch of the open lane. */
export interface InsertedBatch extends AcceptedBatch {
  /** `changed`: whether the batch changed the player's standing score. */
  readonly players: readonly (PlayerState & { readonly changed: boolean })[];
}

/** A committed action. */
export interface LedgerEntry {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
  /** The standing score after the action. */
  readonly scoreAfter: bigint;
  readonly changedScore: boolean;
  readonly version: bigint;
  /** Whether an operator has taken the action back. */
  readonly isVoid?: boolean;
}

/** Whether an action changed the score on a board that adds up; the ledger keeps it for the other boards only. */
export const changesSum = ({ points, version }: { points: bigint; version: bigint }): boolean =>
  points !== 0n || version === 1n;

export interface AcceptStore {
  /** Writes a batch. Returns undefined, and writes nothing, if an action of the batch was accepted before. */
  insert(
    players: readonly PlayerTotal[],
    actions: readonly ActionRow[],
    limitMs: number,
  ): Promise<InsertedBatch | undefined>;
  /** The ledger entries of these actions, as far as they were accepted before. */
  find(keys: ReadonlyArray<{ userId: string; actionId: string }>, limitMs: number): Promise<LedgerEntry[]>;
}

/** Largest batch: below the step of the sequence action_positions. */
export const MAX_BATCH = 500;
/** The sweeper leaves a fresh row alone for this long, because the process that committed it delivers it at once. */
export const FAST_PATH_LEASE = '3 seconds';

/** Other writers hold a player's row for one commit. Leaves time within the accept limit for another attempt. */
export const LOCK_LIMIT_MS = 300;

export function createAcceptStore(pool: PostgresPool, lockLimitMs = LOCK_LIMIT_MS): AcceptStore {
  const seen = createSeenPlayers();
  return {
    async insert(players, actions, limitMs) {
      try {
        const rows = await pool.run(
          (sql) => sql<AcceptedRow[]>`
            with batch as materialized (
              select nextval('action_positions') as position, set_config('lock_timeout', ${String(lockLimitMs)}, true)
            ), accepted as (
              insert into scores as s (leaderboard, user_id, username, points, version, reached, operator)
              select t.leaderboard, t.user_id,
                     coalesce((select p.username from players p where not t.is_seen and p.user_id = t.user_id),
                              nullif(t.username, ''), fallback_name(t.user_id)),
                     t.points, t.actions, batch.position + t.reached_at, t.operator
              from batch, unnest(
                ${arrayLiteral(players.map((p) => p.leaderboard))}::text[],
                ${arrayLiteral(players.map((p) => p.userId))}::text[],
                ${arrayLiteral(players.map((p) => p.username))}::text[],
                ${arrayLiteral(players.map((p) => p.points))}::bigint[],
                ${arrayLiteral(players.map((p) => p.actions))}::int[],
                ${arrayLiteral(players.map((p) => p.reachedAt))}::int[],
                ${arrayLiteral(players.map((p) => String(seen.has(p))))}::bool[],
                ${arrayLiteral(players.map((p) => p.operator))}::text[]
              ) as t (leaderboard, user_id, username, points, actions, reached_at, is_seen, operator)
              order by t.leaderboard collate "C", t.user_id collate "C"
              on conflict (leaderboard, user_id) do update set
                username = case when excluded.username = s.username then s.username else
                  coalesce((select p.username from players p where p.user_id = excluded.user_id),
                           nullif(excluded.username, fallback_name(excluded.user_id)), s.username) end,
                points = standing_after(s.operator, s.points, excluded.points),
                version = s.version + excluded.version,
                reached = case when standing_after(s.operator, s.points, excluded.points) <> s.points
                               then excluded.reached else s.reached end
              where abs(standing_after(s.operator, s.points, excluded.points)) <= 9007199254740991
              returning s.leaderboard, s.user_id, s.username, s.points, s.version, s.reached, s.operator
            ), logged as (
              insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller,
                                   changed_score)
              select batch.position + a.place, a.leaderboard, a.user_id, a.action_id, a.points,
                     abs(accepted.points - a.points_after), accepted.version - a.actions_after, a.key_id, a.caller,
                     case when accepted.operator <> 'sum' then accepted.reached = batch.position + a.place end
              from batch, unnest(
                ${arrayLiteral(actions.map((a) => a.leaderboard))}::text[],
                ${arrayLiteral(actions.map((a) => a.userId))}::text[],
                ${arrayLiteral(actions.map((a) => a.actionId))}::text[],
                ${arrayLiteral(actions.map((a) => a.points))}::bigint[],
                ${arrayLiteral(actions.map((a) => a.keyId))}::text[],
                ${arrayLiteral(actions.map((a) => a.caller))}::text[],
                ${arrayLiteral(actions.map((a) => a.pointsAfter))}::bigint[],
                ${arrayLiteral(actions.map((a) => a.actionsAfter))}::int[]
              ) with ordinality as a (leaderboard, user_id, action_id, points, key_id, caller, points_after, actions_after, place)
              join accepted on accepted.leaderboard = a.leaderboard and accepted.user_id = a.user_id
              order by a.user_id collate "C", a.action_id collate "C"
            ), box as (
              insert into outbox (leaderboards, user_ids, next_attempt_at)
              select array_agg(leaderboard), array_agg(user_id), now() + ${FAST_PATH_LEASE}::interval
              from accepted having count(*) > 0
              returning id
            )
            select r.epoch, r.source, r.building, (select id from box) as outbox_id, accepted.*,
                   accepted.reached between batch.position and batch.position + ${MAX_BATCH} as changed
            from batch, rank_index r left join accepted on true`,
          limitMs,
        );
        const batch = toBatch(rows);
        seen.add(batch.players);
        return batch;
      } catch (error) {
        if (isRepeatIn('actions', error)) return undefined;
        throw error;
      }
    },

    async find(keys, limitMs) {
      const rows = await pool.run(
        (sql) => sql<
          {
            leaderboard: string;
            user_id: string;
            action_id: string;
            points: bigint;
            score_after: bigint;
            changed_score: boolean | null;
            version: bigint;
            is_void: boolean;
          }[]
        >`
          select a.leaderboard, a.user_id, a.action_id, a.points, a.score_after, a.changed_score, a.version,
                 exists (
                   select from corrections v
                   where v.kind = 'void' and v.user_id = a.user_id and v.action_id = a.action_id
                 ) as is_void
          from unnest(
            ${arrayLiteral(keys.map((key) => key.userId))}::text[],
            ${arrayLiteral(keys.map((key) => key.actionId))}::text[]
          ) as k (user_id, action_id)
          join actions a on a.user_id = k.user_id collate "C" and a.action_id = k.action_id collate "C"`,
        limitMs,
      );
      return rows.map((row) => ({
        leaderboard: row.leaderboard,
        userId: row.user_id,
        actionId: row.action_id,
        points: row.points,
        scoreAfter: row.score_after,
        changedScore: row.changed_score ?? changesSum(row),
        version: row.version,
        isVoid: row.is_void,
      }));
    },
  };
}

interface AcceptedRow extends ScoreRow {
  changed: boolean;
  /** Null, like the columns of the player, if no player was accepted. */
  outbox_id: bigint | null;
  epoch: bigint;
  source: IndexState['source'];
  building: bigint | null;
}

function toBatch(rows: readonly AcceptedRow[]): InsertedBatch {
  const [first] = rows;
  if (first === undefined) throw new Error('the row of rank_index is missing');
  return {
    index: { epoch: first.epoch, source: first.source, building: first.building ?? undefined },
    outboxId: first.outbox_id ?? undefined,
    players:
      first.outbox_id === null ? [] : rows.map((row) => ({ ...toPlayerState(row), changed: row.changed })),
  };
}
