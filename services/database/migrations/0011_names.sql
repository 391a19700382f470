-- One name a player: the profile has it, and every board follows.

-- Whether the name was given, or stands in for one. A name that was given is never replaced by one that stands in.
alter table players add column is_named boolean not null default true;
update players set is_named = false where username = fallback_name(user_id);

-- The boards of a player. The indexed column never changes, so an update of a score still stays in its page (HOT).
create index scores_of_player on scores (user_id);

-- Players whose boards may show another name than their profile. The score service works them off.
create table renamed_players (
  user_id text collate "C" primary key references players (user_id) on delete cascade,
  -- Counts the changes, so that work on one does not settle a later one.
  changes bigint      not null default 1,
  -- How often all boards were brought up to date since the last change.
  passes  int         not null default 0,
  due_at  timestamptz not null default now()
);

create index renamed_players_due on renamed_players (due_at);

-- Runs as the owner: the role that writes profiles needs no right on scores.
create function note_renamed_players() returns trigger language plpgsql security definer as $$
begin
  insert into renamed_players as r (user_id)
  select w.user_id from written w
  where exists (select from scores s where s.user_id = w.user_id and s.username <> w.username)
  order by w.user_id
  on conflict (user_id) do update set changes = r.changes + 1, passes = 0, due_at = now();
  return null;
end
$$;

create trigger players_note_renamed_new after insert on players referencing new table as written
  for each statement execute function note_renamed_players();
create trigger players_note_renamed after update on players referencing new table as written
  for each statement execute function note_renamed_players();

-- What the function names stands in this schema, whatever the caller has put before it.
do $$
begin
  execute format('alter function note_renamed_players() set search_path = %I, pg_temp', current_schema());
end
$$;
