-- A quarantine hides the player: from every board, for everybody but the player. Each board of a player gets an entry of the ledger
-- ("hide", "show"), and comes through the outbox, like every correction.

-- Players whose boards may not agree with the list of quarantined players. The score service works them off.
create table quarantine_changes (
  user_id text collate "C" primary key,
  -- Counts the changes, so that work on one does not settle a later one.
  changes bigint      not null default 1,
  -- How often all boards were brought up to date since the last change.
  passes  int         not null default 0,
  due_at  timestamptz not null default now()
);

create index quarantine_changes_due on quarantine_changes (due_at);

create function note_quarantine_change() returns trigger language plpgsql as $$
declare
  player text := case when tg_op = 'DELETE' then old.user_id else new.user_id end;
begin
  -- What stands for an erased player has a space, and no boards.
  if position(' ' in player) = 0 then
    insert into quarantine_changes as q (user_id) values (player)
    on conflict (user_id) do update set changes = q.changes + 1, passes = 0, due_at = now();
  end if;
  return null;
end
$$;

create trigger quarantine_note_change after insert or delete on quarantined_players
  for each row execute function note_quarantine_change();

insert into quarantine_changes (user_id) select q.user_id from quarantined_players q where position(' ' in q.user_id) = 0;

-- Brings some boards of a player to what the list says now, in the order of their names after the given one. Returns the last of
-- them; null when there are no more.
create function apply_quarantine(player text, after_board text, max_boards int) returns text language plpgsql as $$
declare
  board    text;
  last     text;
  is_in    boolean := exists (select from quarantined_players q where q.user_id in (player, quarantine_name(player)));
begin
  for board in
    select s.leaderboard from scores s
    where s.user_id = player and s.leaderboard > after_board order by s.leaderboard limit max_boards
  loop
    perform correct_score('quarantine-' || gen_random_uuid(), case when is_in then 'hide' else 'show' end, board, player, null,
                          null, case when is_in then 'quarantine' else 'release' end, 'quarantine', 'score');
    last := board;
  end loop;
  return last;
end
$$;

-- What an erasure takes out of the audit chain's subjects, it takes out of these tables in the same step. A quarantine outlives
-- it: the list keeps a digest of the user id in place of the id.
create or replace function forget_erased_player() returns trigger language plpgsql as $$
begin
  delete from player_windows w where w.user_id = old.user_id;
  delete from player_flags f where f.user_id = old.user_id;
  with forgotten as (
    delete from quarantined_players q where q.user_id = old.user_id returning q.quarantined_at
  )
  insert into quarantined_players (user_id, quarantined_at)
  select quarantine_name(old.user_id), f.quarantined_at from forgotten f on conflict do nothing;
  delete from quarantine_changes c where c.user_id = old.user_id;
  return null;
end
$$;
