/** What each service is forbidden at each server: what a test tries as that service. */
import { readFileSync } from 'node:fs';
import type { StoreUser } from '../../services/local/store-passwords.ts';
import type { DatabaseService } from '../../services/shared/database-roles.ts';
import { scriptDigest } from '../../services/shared/redis.ts';

/** Statements that no service may run. */
export const NOBODY_MAY = [
  'create table mine (id int)',
  'create temporary table mine (id int)',
  'create function mine() returns int language sql as $$ select 1 $$',
  'create schema mine',
  'create role mine',
  'alter table actions disable trigger actions_append_only',
  'drop trigger actions_append_only on actions',
  'alter table actions disable trigger actions_note_batch',
  'alter table audit_links disable trigger audit_links_append_only',
  'update audit_links set actions = 1',
  'delete from audit_links',
  'truncate audit_links',
  'delete from audit_batches',
  'update audit_subjects set salt = null',
  'delete from audit_subjects',
  'drop table players',
  'truncate actions',
  'delete from actions',
  'update actions set points = 1',
  `update actions set user_id = 'eve'`,
  'select from schema_migrations',
  'set session_replication_role = replica',
  'set role postgres',
  'alter role current_user superuser',
  'select rolpassword from pg_authid',
  `select pg_read_file('/etc/hostname')`,
  `copy (select 1) to program 'true'`,
  'select pg_reload_conf()',
];

/** Statements that this one may not run, though another may. */
export const ROLE_MAY_NOT: Readonly<Record<DatabaseService, readonly string[]>> = {
  score: [
    `insert into players (user_id, username) values ('eve', 'eve')`,
    `update players set username = 'eve'`,
    'delete from players',
    'select created_at from players',
    'delete from scores',
    'truncate scores',
    `update scores set user_id = 'eve'`,
    'truncate outbox',
    'delete from rank_index',
    'delete from truth_boards',
    `select setval('action_positions', 1)`,
    'update audit_batches set batch = 1',
    'update rejected_actions set attempts = 1',
    'truncate rejected_actions',
  ],
  auth: [
    'select from scores',
    `insert into scores values ('global', 'eve', 'eve', 1, 1, 1)`,
    'update scores set points = 1',
    'select from actions',
    `insert into actions values (1, 'global', 'eve', 'a', 1, 1, 1, 'k', 'c')`,
    'select from outbox',
    'delete from outbox',
    'update rank_index set epoch = 1',
    `select nextval('action_positions')`,
    `select read_truth_board('global')`,
    'select from audit_batches',
    'select from audit_links',
    `insert into audit_links values (1, 0, '', '', '')`,
    'select from audit_subjects',
    'select audit_candidates(1)',
    `select erasure_subject('ada')`,
    `select erase_player('ada', '', 1, '')`,
    'select from rejected_actions',
    'delete from players',
    'truncate players',
    `update players set user_id = 'eve'`,
    'select created_at from players',
  ],
};

/** By which Redis knows the script of the score service that writes. */
export const PROJECT_DIGEST = scriptDigest(
  readFileSync(new URL('../../services/score/lua/project.lua', import.meta.url), 'utf8'),
);
const SERVICES_MAY_NOT = [
  ['FLUSHALL'],
  ['FLUSHDB'],
  ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
  ['CONFIG', 'GET', 'requirepass'],
  ['KEYS', '*'],
  ['EVAL', 'return 1', '0'],
  ['EVAL_RO', 'return 1', '0'],
  ['SCRIPT', 'LOAD', 'return 1'],
  ['SCRIPT', 'FLUSH'],
  ['FUNCTION', 'LOAD', '#!lua name=mine'],
  ['ACL', 'SETUSER', 'edge', '+@all'],
  ['ACL', 'LIST'],
  ['CLIENT', 'LIST'],
  ['CLIENT', 'KILL', 'TYPE', 'normal'],
  ['MODULE', 'LIST'],
  ['MONITOR'],
  ['REPLICAOF', 'NO', 'ONE'],
  ['SAVE'],
  ['SHUTDOWN', 'NOSAVE'],
  ['PUBLISH', 'scores', 'x'],
  ['SUBSCRIBE', 'scores'],
  ['DEL', 'sb:epoch'],
  ['SET', 'elsewhere', '1'],
] as const;

/** A user, and a command with its arguments. */
export const USER_MAY_NOT: ReadonlyArray<readonly [StoreUser<'redis'>, ...(readonly string[])]> = [
  ...(['score', 'edge', 'loader'] as const).flatMap((user) =>
    SERVICES_MAY_NOT.filter(([, act]) => user !== 'loader' || act !== 'LOAD').map(
      (command) => [user, ...command] as const,
    ),
  ),
  ['score', 'GET', 'sb:rate:user:ada'],
  ['score', 'SET', 'sb:rate:user:ada', '0'],
  ['score', 'UNLINK', 'sb:rate:user:ada'],
  ['edge', 'GET', 'sb:epoch'],
  ['edge', 'SET', 'sb:epoch', '9'],
  ['edge', 'ZADD', 'sb:1:global:order', '-1', 'x'],
  ['edge', 'HGET', 'sb:1:global:players', 'ada'],
  ['edge', 'SCAN', '0'],
  // Another's script by its digest: on another's keys, and on its own with commands that it lacks.
  ['edge', 'EVALSHA', PROJECT_DIGEST, '1', 'sb:epoch', '1', 'live', '10'],
  [
    'edge',
    'EVALSHA',
    PROJECT_DIGEST,
    '4',
    ...Array(4).fill('sb:rate:x'),
    'x',
    'shadow',
    '10',
    'm',
    '-1',
    '1',
    'n',
  ],
  ['loader', 'GET', 'sb:epoch'],
  ['loader', 'EVALSHA', PROJECT_DIGEST, '0'],
];

const STREAM = '$JS.API.STREAM';
/** A user, what it tries, and the subject. */
export const BUS_MAY_NOT: ReadonlyArray<readonly [StoreUser<'nats'>, 'publish' | 'subscription', string]> = [
  ['fanout', 'publish', 'scores.global'],
  ...['CREATE', 'UPDATE', 'PURGE', 'DELETE', 'MSG.DELETE', 'MSG.GET', 'SNAPSHOT'].map(
    (act) => ['fanout', 'publish', `${STREAM}.${act}.SCORES`] as const,
  ),
  ['fanout', 'publish', `${STREAM}.CREATE.MINE`],
  ['fanout', 'publish', '_INBOX.score.x'],
  ['fanout', 'subscription', 'scores.*'],
  ['fanout', 'subscription', '_INBOX.score.>'],
  ['fanout', 'subscription', '>'],
  ...['PURGE', 'DELETE', 'MSG.DELETE', 'SNAPSHOT'].map(
    (act) => ['score', 'publish', `${STREAM}.${act}.SCORES`] as const,
  ),
  ['score', 'publish', '$JS.API.CONSUMER.DELETE.SCORES.x'],
  ['score', 'publish', '_INBOX.fanout.x'],
  ['score', 'subscription', 'scores.*'],
  ['score', 'subscription', '_INBOX.fanout.>'],
  ['score', 'subscription', '$SYS.>'],
];
