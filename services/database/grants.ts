/**
 * Who may do what in the database: the one list. Everything in the schema stands here, and a role has exactly the rights
 * of its rows: whatever else it once had is taken back at each migration. A test compares the list with the schema. Old and
 * new processes run side by side for a while, so a right goes one version after the last use of it.
 */
import type { DatabaseService } from '../shared/stores/database-roles.ts';

/** Object → rights, as GRANT writes them. */
type Rights = Readonly<Record<string, string>>;

export const GRANTS: Readonly<Record<DatabaseService, Rights>> = {
  score: {
    // Its own name for a player comes with the submission or from the profile.
    'table players': 'select (user_id, username)',
    'table scores': 'select, insert, update (username, points, version, reached)',
    // The audit log: what was written stays.
    'table actions': 'select, insert',
    'sequence action_positions': 'usage',
    'table outbox': 'select, insert, update, delete',
    // Which index counts goes with each batch. What is more than reading it is for score processes of the version before, which kept
    // the index themselves.
    'table rank_index':
      'select, update (epoch, source, building, building_until, redis_run_id, redis_seen_at)',
    'table truth_boards': 'select, insert, update (epoch, seq, top)',
    'function read_truth_board(text)': 'execute',
    // The audit chain: links are added, and a batch is given to one.
    'table audit_batches': 'select, insert, update (seq)',
    'table audit_links': 'select, insert',
    'table audit_subjects': 'select, insert',
    'function audit_candidates(integer,bigint)': 'execute',
    'function actions_of_batch(bigint)': 'execute',
    'function audit_field(text)': 'execute',
    // They run as the owner, since an erasure changes what nobody else may.
    'function erasure_subject(text)': 'execute',
    'function erase_player(text,bytea,bigint,bytea)': 'execute',
    // Kept for a while only.
    'table rejected_actions': 'select, insert, delete',
    // What players may do, and who stands out: the operator changes them through the service.
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
  },
  rank: {
    // The truth is read, and nothing of it changed.
    'table scores': 'select',
    'table rank_index':
      'select, update (epoch, source, building, building_until, redis_run_id, redis_seen_at)',
    'table truth_boards': 'select, insert, update (epoch, seq, top)',
    'function read_truth_board(text)': 'execute',
  },
  auth: {
    'table players': 'select (user_id, username), insert (user_id, username), update (username, updated_at)',
  },
};

/** What no service needs. */
const CLOSED = [
  'table schema_migrations',
  'function refuse_change()',
  'function refuse_all_but_erasure()',
  'function note_batch()',
  'function count_limits_change()',
  'function forget_erased_player()',
];

/** Everything that the list speaks of. */
export const LISTED_OBJECTS: readonly string[] = [
  ...new Set([...Object.values(GRANTS).flatMap((rights) => Object.keys(rights)), ...CLOSED]),
];

/** The statements that give these roles their rights and nobody else any. Names are quoted already. */
export function grantStatements(
  roles: Readonly<Record<DatabaseService, string>>,
  schema: string,
): readonly string[] {
  const everybody = ['public', ...Object.values(roles)].join(', ');
  const taken = LISTED_OBJECTS.map((object) => `revoke all on ${object} from ${everybody}`);
  const given = Object.entries(GRANTS).flatMap(([service, rights]) => {
    const role = roles[service as DatabaseService];
    return [
      `grant usage on schema ${schema} to ${role}`,
      ...Object.entries(rights).map(([object, list]) => `grant ${list} on ${object} to ${role}`),
    ];
  });
  return [...taken, ...given];
}
