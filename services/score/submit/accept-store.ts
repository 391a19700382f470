/**
 * Accepting actions in Postgres. One autocommit statement writes a whole batch: players' totals, the audit rows and the
 * outbox row, or nothing at all. Rows are touched in byte order of (leaderboard, user id), and a player's row is locked
 * before that player's actions are written, so two writers can neither deadlock nor interleave on a player. The name on the
 * board is that of the player's profile, if there is one: a token may hold an older name. Reading the profile would cost a sixth of
 * the statement, so it is left out when the player's row exists and has the name of the submission.
 */

import { type ScoreRow, toPlayerState } from '../../shared/stores/player-state-store.ts';
import { arrayLiteral, type PostgresPool, sqlCode, UNIQUE_VIOLATION } from '../../shared/stores/postgres.ts';
import type { IndexState, PlayerState } from '../../shared/values/board.ts';
import { createSeenPlayers } from './seen-players.ts';

/** One player's part of a batch: what the player's actions add up to. */
export interface PlayerTotal {
  readonly leaderboard: string;
  readonly userId: string;
  /** Shown for a player without a profile; empty keeps the name that is known. */
  readonly username: string;
  readonly points: bigint;
  readonly actions: number;
  /** Place in the batch of the last action that raised the points, or of the last action when none did. */
  readonly reachedAt: number;
}

export interface ActionRow {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly keyId: string;
  readonly caller: string;
  /** What the same player's later actions of this batch add: the row's score is the new total less this. */
  readonly pointsAfter: bigint;
  readonly actionsAfter: number;
}

export interface AcceptedBatch {
  /** The new states. A player whose total would pass the limit is missing, with none of that player's actions written. */
  readonly players: readonly PlayerState[];
  /** undefined when no player was accepted. */
  readonly outboxId: bigint | undefined;
  readonly index: IndexState;
}

export interface StoredAction {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
  readonly scoreAfter: bigint;
  readonly version: bigint;
}

export interface AcceptStore {
  /** undefined when some action of the batch was accepted before: nothing was written. */
  insert(
    players: readonly PlayerTotal[],
    actions: readonly ActionRow[],
    limitMs: number,
  ): Promise<AcceptedBatch | undefined>;
  /** The actions among these that were accepted before. */
  find(keys: ReadonlyArray<{ userId: string; actionId: string }>, limitMs: number): Promise<StoredAction[]>;
}

/** Largest batch: below the step of the sequence action_positions. */
export const MAX_BATCH = 500;
/** The sweeper leaves a fresh row alone for this long: the process that committed it delivers it right away. */
export const FAST_PATH_LEASE = '3 seconds';

export function createAcceptStore(pool: PostgresPool): AcceptStore {
  const seen = createSeenPlayers();
  return {
    async insert(players, actions, limitMs) {
      try {
        const rows = await pool.run(
          (sql) => sql<
            (ScoreRow & {
              outbox_id: bigint | null;
              epoch: bigint;
              source: IndexState['source'];
              building: bigint | null;
            })[]
          >`
            with batch as materialized (
              select nextval('action_positions') as position
            ), accepted as (
              insert into scores as s (leaderboard, user_id, username, points, version, reached)
              select t.leaderboard, t.user_id,
                     coalesce((select p.username from players p where not t.is_seen and p.user_id = t.user_id),
                              nullif(t.username, ''), left(t.user_id, 32)),
                     t.points, t.actions, batch.position + t.reached_at
              from batch, unnest(
                ${arrayLiteral(players.map((p) => p.leaderboard))}::text[],
                ${arrayLiteral(players.map((p) => p.userId))}::text[],
                ${arrayLiteral(players.map((p) => p.username))}::text[],
                ${arrayLiteral(players.map((p) => p.points))}::bigint[],
                ${arrayLiteral(players.map((p) => p.actions))}::int[],
                ${arrayLiteral(players.map((p) => p.reachedAt))}::int[],
                ${arrayLiteral(players.map((p) => String(seen.has(p))))}::bool[]
              ) as t (leaderboard, user_id, username, points, actions, reached_at, is_seen)
              order by t.leaderboard collate "C", t.user_id collate "C"
              on conflict (leaderboard, user_id) do update set
                username = case when excluded.username = s.username then s.username else
                  coalesce((select p.username from players p where p.user_id = excluded.user_id),
                           nullif(excluded.username, left(excluded.user_id, 32)), s.username) end,
                points = s.points + excluded.points,
                version = s.version + excluded.version,
                reached = case when excluded.points > 0 then excluded.reached else s.reached end
              where s.points + excluded.points <= 9007199254740991
              returning s.leaderboard, s.user_id, s.username, s.points, s.version, s.reached
            ), logged as (
              insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller)
              select batch.position + a.place, a.leaderboard, a.user_id, a.action_id, a.points,
                     accepted.points - a.points_after, accepted.version - a.actions_after, a.key_id, a.caller
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
            ), box as (
              insert into outbox (leaderboards, user_ids, next_attempt_at)
              select array_agg(leaderboard), array_agg(user_id), now() + ${FAST_PATH_LEASE}::interval
              from accepted having count(*) > 0
              returning id
            )
            select r.epoch, r.source, r.building, (select id from box) as outbox_id, accepted.*
            from rank_index r left join accepted on true`,
          limitMs,
        );
        const batch = toBatch(rows);
        seen.add(batch.players);
        return batch;
      } catch (error) {
        if (sqlCode(error) === UNIQUE_VIOLATION) return undefined;
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
            version: bigint;
          }[]
        >`
          select a.leaderboard, a.user_id, a.action_id, a.points, a.score_after, a.version
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
        version: row.version,
      }));
    },
  };
}

function toBatch(
  rows: readonly (Partial<ScoreRow> & {
    outbox_id: bigint | null;
    epoch: bigint;
    source: IndexState['source'];
    building: bigint | null;
  })[],
): AcceptedBatch {
  const [first] = rows;
  if (first === undefined) throw new Error('the row of rank_index is missing');
  return {
    index: { epoch: first.epoch, source: first.source, building: first.building ?? undefined },
    outboxId: first.outbox_id ?? undefined,
    players: first.outbox_id === null ? [] : rows.map((row) => toPlayerState(row as ScoreRow)),
  };
}
