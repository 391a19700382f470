-- The truth. Every name that is compared or ordered is collate "C": the same byte order as in Redis and on the wire.
-- Scores and versions stay within 2^53-1, the largest whole number that JSON, Lua and a sorted set keep exactly.

-- Profiles, written by the auth service when it issues a token.
create table players (
  user_id    text collate "C" primary key,
  username   text        not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- One row per player and board: the sum of the player's accepted actions.
-- No index on points, so that an update stays in its page (HOT) and costs no index write; ranks are Redis' duty.
create table scores (
  leaderboard text collate "C" not null,
  user_id     text collate "C" not null,
  username    text   not null,
  points      bigint not null check (points between 0 and 9007199254740991),
  -- Counts the player's accepted actions on this board: 1, 2, 3… without gaps.
  version     bigint not null check (version between 1 and 9007199254740991),
  -- Position of the action that last raised the points. Smaller means reached earlier; breaks ties.
  reached     bigint not null check (reached between 1 and 9007199254740991),
  primary key (leaderboard, user_id)
) with (fillfactor = 70);

-- Positions of actions. A batch takes one number and adds the place within the batch, so the step is larger than any batch.
create sequence action_positions as bigint increment by 1000 start with 1000 maxvalue 9007199254740000;

-- The audit log: who, what, when, vouched for by which key through which service, and the score that came of it.
create table actions (
  position    bigint not null,
  leaderboard text collate "C" not null,
  user_id     text collate "C" not null,
  action_id   text collate "C" not null,
  points      bigint not null check (points between 0 and 9007199254740991),
  score_after bigint not null,
  version     bigint not null,
  key_id      text   not null,
  caller      text   not null,
  accepted_at timestamptz not null default now(),
  -- An action counts once for ever, whatever the board.
  primary key (user_id, action_id)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

create trigger actions_append_only before update or delete or truncate on actions
  for each statement execute function refuse_change();

-- What was committed and must still be projected and published. The row is committed with its batch and deleted when the
-- batch is in the rank index and on the bus. It names players, not amounts: the delivery reads their newest state.
create table outbox (
  id              bigint generated always as identity primary key,
  leaderboards    text[] not null,
  user_ids        text[] not null,
  state           text   not null default 'pending' check (state in ('pending', 'dead')),
  attempts        int    not null default 0,
  last_error      text,
  next_attempt_at timestamptz not null,
  created_at      timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

create index outbox_due on outbox (next_attempt_at) where state = 'pending';

-- Which epoch of the rank index counts. Every accepted batch reads this row, so every writer knows where to project to.
create table rank_index (
  only_row      boolean primary key default true check (only_row),
  epoch         bigint  not null,
  -- Where boards are read from: the Redis index, or Postgres itself while Redis is away.
  source        text    not null check (source in ('redis', 'postgres')),
  -- The epoch under construction; writers project to it as well.
  building      bigint,
  building_until timestamptz,
  -- The Redis process that holds the epoch; another one can't be trusted with it.
  redis_run_id  text    not null default '',
  -- When any score process last found that Redis process answering.
  redis_seen_at timestamptz not null default now()
);

insert into rank_index (epoch, source) values (1, 'postgres');

-- Ordering token of a board while it is read from Postgres: (epoch, seq), seq restarting with each epoch.
create table truth_boards (
  leaderboard text collate "C" primary key,
  epoch       bigint not null,
  seq         bigint not null,
  top         jsonb  not null
);

-- The top 10 straight from the truth. Calls for one board run one after another, and each reads after the one before
-- it has committed, so a greater seq never carries an older board.
create function read_truth_board(board text)
  returns table (epoch bigint, seq bigint, top jsonb) language plpgsql as $$
declare
  now_epoch  bigint;
  now_source text;
  now_top    jsonb;
begin
  perform pg_advisory_xact_lock(hashtext('truth_board'), hashtext(board));
  select r.epoch, r.source into now_epoch, now_source from rank_index r;
  select coalesce(jsonb_agg(jsonb_build_array(t.user_id, t.username, t.points) order by t.points desc, t.reached, t.user_id), '[]')
    into now_top
    from (select s.user_id, s.username, s.points, s.reached from scores s where s.leaderboard = board
          order by s.points desc, s.reached, s.user_id limit 10) t;
  if now_source <> 'postgres' then
    -- Another index hands out the tokens of this epoch; seq 0 is older than any of them.
    return query select now_epoch, 0::bigint, now_top;
    return;
  end if;
  return query
    insert into truth_boards as b (leaderboard, epoch, seq, top) values (board, now_epoch, 1, now_top)
    on conflict (leaderboard) do update set
      seq = case when b.epoch <> excluded.epoch then 1 when b.top <> excluded.top then b.seq + 1 else b.seq end,
      epoch = excluded.epoch,
      top = excluded.top
    returning b.epoch, b.seq, b.top;
end
$$;
