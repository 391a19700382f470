/**
 * The rights of each service's role in Postgres. The list names every object of the schema, and a role has exactly the rights
 * of its entries: each migration revokes all others. A test compares the list with the schema. During an upgrade old and new
 * processes run side by side, so a right is removed one version after its last use.
 */
import type { DatabaseService } from '../shared/stores/postgres/database-roles.ts';

/** Object → rights, in the syntax of GRANT. */
type Rights = Readonly<Record<string, string>>;

export const GRANTS: Readonly<Record<DatabaseService, Rights>> = {
  score: {
    'table deployment': 'select',
    // The profile's name takes precedence over that of the submission.
    'table players': 'select (user_id, username)',
    'table scores': 'select, insert, update (username, points, version, reached)',
    // Names of boards are brought up to date with those of profiles.
    'table renamed_players': 'select, delete, update (passes, due_at)',
    // The audit log is append-only.
    'table actions': 'select, insert',
    'sequence action_positions': 'usage',
    // The first score of a board claims it, and the operator changes its settings through the service.
    'table boards': 'select, insert, update (operator, sort_order, decimals, unit, state, has_scores)',
    'function delete_unused_board(text)': 'execute',
    'function standing_after(text,bigint,bigint)': 'execute',
    // Corrections of scores are append-only entries of the ledger too.
    'table corrections': 'select, insert',
    // Quarantined players are hidden by entries of the same kind.
    'table quarantine_changes': 'select, insert, delete, update (changes, passes, due_at)',
    'function apply_quarantine(text,text,integer)': 'execute',
    'function correct_score(text,text,text,text,bigint,text,text,text,text)': 'execute',
    'function standing_of(text,text,text,boolean,text,boolean)': 'execute',
    'function after_entry(standing,boolean,text,bigint,bigint,text,boolean)': 'execute',
    'function bounded(numeric,boolean)': 'execute',
    'function no_score(text,boolean)': 'execute',
    'function correction_digest(corrections)': 'execute',
    'table outbox': 'select, insert, update, delete',
    // Each batch reads which index is current. The other rights on the index are for score processes of the previous
    // version, which kept the index themselves.
    'table rank_index':
      'select, update (epoch, source, building, building_until, redis_run_id, redis_seen_at)',
    'table truth_boards': 'select, insert, update (epoch, seq, top)',
    'function read_truth_board(text)': 'execute',
    // The audit chain: links are added, and each batch gets the number of its link.
    'table audit_batches': 'select, insert, update (seq)',
    'table audit_links': 'select, insert',
    'table audit_subjects': 'select, insert',
    'function audit_candidates(integer,bigint)': 'execute',
    'function actions_of_batch(bigint)': 'execute',
    'function audit_field(text)': 'execute',
    // They run as the owner, because an erasure changes rows that no service may change.
    'function erasure_subject(text)': 'execute',
    'function erase_player(text,bytea,bigint,bytea)': 'execute',
    // Old rows are removed.
    'table rejected_actions': 'select, insert, delete',
    // Limits and flags, which the operator changes through the service.
    'table leaderboard_limits':
      'select, insert, delete, update (max_points, window_ms, max_window_points, max_window_actions, min_interval_ms)',
    'table quarantined_players': 'select, insert, delete',
    'table limits_version': 'select, update (version)',
    'table player_flags': 'select, insert, delete, update (times, detail, last_at)',
    'table player_windows': 'select, insert, update (last_at_ms, slice_ms, slice, points, actions)',
    'function accept_limited_actions(text[],text[],text[],text[],bigint[],text[],text[])': 'execute',
    'function refusal_of(leaderboard_limits,player_windows,bigint,bigint)': 'execute',
    'function find_window(leaderboard_limits,text,bigint)': 'execute',
    'function window_at(player_windows,bigint,bigint)': 'execute',
    'function wait_for_room(player_windows,bigint[],bigint,bigint,bigint)': 'execute',
    'function count_in_window(player_windows,bigint,bigint)': 'execute',
    'function slid(bigint[],bigint)': 'execute',
    'function sum_of(bigint[])': 'execute',
    'function quarantine_name(text)': 'execute',
    'function fallback_name(text)': 'execute',
  },
  rank: {
    'table deployment': 'select, update (namespace)',
    // Scores are read-only.
    'table scores': 'select',
    'table rank_index':
      'select, update (epoch, source, building, building_until, redis_run_id, redis_seen_at)',
    'table truth_boards': 'select, insert, update (epoch, seq, top)',
    'function read_truth_board(text)': 'execute',
  },
  auth: {
    'table players':
      'select (user_id, username, is_named), insert (user_id, username, is_named), update (username, is_named, updated_at)',
    'table subject_key': 'select (fingerprint), insert (fingerprint)',
  },
};

/** Objects that no service needs. */
const CLOSED = [
  'table schema_migrations',
  'function refuse_change()',
  'function refuse_all_but_erasure()',
  'function refuse_all_but_forgetting()',
  'function note_batch()',
  'function note_renamed_players()',
  'function note_quarantine_change()',
  'function count_limits_change()',
  'function forget_erased_player()',
  // The operator's migration calls it as the owner.
  'function apply_boards(jsonb)',
];

/** Every object that the list names. */
export const LISTED_OBJECTS: readonly string[] = [
  ...new Set([...Object.values(GRANTS).flatMap((rights) => Object.keys(rights)), ...CLOSED]),
];

/** Statements that grant these roles their rights, and revoke all others, also those of PUBLIC. Names must be quoted. */
export function grantStatements(
  roles: Readonly<Record<DatabaseService, string>>,
  schema: string,
): readonly string[] {
  const grantees = ['public', ...Object.values(roles)].join(', ');
  const revoked = LISTED_OBJECTS.map((object) => `revoke all on ${object} from ${grantees}`);
  const granted = Object.entries(GRANTS).flatMap(([service, rights]) => {
    const role = roles[service as DatabaseService];
    return [
      `grant usage on schema ${schema} to ${role}`,
      ...Object.entries(rights).map(([object, list]) => `grant ${list} on ${object} to ${role}`),
    ];
  });
  return [...revoked, ...granted];
}
