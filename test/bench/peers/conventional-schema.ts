/** The conventional stack's tables: the same truth as ours (totals, and an audit row per action), without an outbox. */
export const CONVENTIONAL_SCHEMA = `
  create table if not exists scores (
    leaderboard text collate "C" not null,
    user_id     text collate "C" not null,
    username    text   not null,
    points      bigint not null check (points between 0 and 9007199254740991),
    version     bigint not null,
    primary key (leaderboard, user_id)
  ) with (fillfactor = 70);

  create table if not exists actions (
    position    bigint generated always as identity,
    leaderboard text collate "C" not null,
    user_id     text collate "C" not null,
    action_id   text collate "C" not null,
    points      bigint not null check (points between 0 and 9007199254740991),
    score_after bigint not null,
    version     bigint not null,
    key_id      text   not null,
    caller      text   not null,
    accepted_at timestamptz not null default now(),
    primary key (user_id, action_id)
  )`;
