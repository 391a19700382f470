-- What a player may do on a board, whom to look at, and who is shut out. A board without a rule costs nothing: its actions
-- never come here. Actions of boards with rules, and of players who are shut out, are accepted by the function at the end,
-- one by one, while the player's windows on that board are locked, so no number of writers can pass a limit together.
-- Times are the database's clock in milliseconds.

create table leaderboard_limits (
  leaderboard        text collate "C" not null,
  -- What stands before the first "_" of an action id; empty is the rule for all actions of the board together.
  kind               text collate "C" not null,
  max_points         bigint check (max_points >= 0),
  window_ms          bigint check (window_ms between 1000 and 2678400000),
  max_window_points  bigint check (max_window_points >= 1),
  max_window_actions bigint check (max_window_actions >= 1),
  min_interval_ms    bigint check (min_interval_ms between 1 and 2678400000),
  primary key (leaderboard, kind),
  check ((window_ms is null) = (max_window_points is null and max_window_actions is null))
);

create table quarantined_players (
  user_id        text collate "C" primary key,
  quarantined_at timestamptz not null default now()
);

-- Counts the changes of the two tables above, so that a reader who knows them asks for one number.
create table limits_version (
  only_row boolean primary key default true check (only_row),
  version  bigint  not null
);

insert into limits_version (version) values (1);

create function count_limits_change() returns trigger language plpgsql as $$
begin
  update limits_version set version = version + 1;
  return null;
end
$$;

create trigger limits_changed after insert or update or delete or truncate on leaderboard_limits
  for each statement execute function count_limits_change();
create trigger quarantine_changed after insert or update or delete or truncate on quarantined_players
  for each statement execute function count_limits_change();

-- Players who stand out, once for each reason and board.
create table player_flags (
  leaderboard text collate "C" not null,
  user_id     text collate "C" not null,
  reason      text not null,
  times       bigint not null,
  detail      text not null,
  first_at    timestamptz not null default now(),
  last_at     timestamptz not null default now(),
  primary key (leaderboard, user_id, reason)
);

-- What a player did lately, for each rule. A window is counted in tenths, the newest first, and one tenth more than the window
-- has: so in no span as long as the window more than the limit is accepted, and room comes back at most a tenth late.
create table player_windows (
  leaderboard text collate "C" not null,
  user_id     text collate "C" not null,
  kind        text collate "C" not null,
  last_at_ms  bigint,
  slice_ms    bigint   not null,
  -- Number of the newest slice since 1970.
  slice       bigint   not null,
  points      bigint[] not null default array_fill(0::bigint, array[11]),
  actions     bigint[] not null default array_fill(0::bigint, array[11]),
  primary key (leaderboard, user_id, kind)
) with (fillfactor = 70);

create function sum_of(counts bigint[]) returns bigint language sql immutable as $$
  select sum(n)::bigint from unnest(counts) n
$$;

create function slid(counts bigint[], moved bigint) returns bigint[] language sql immutable as $$
  select case
    -- A clock that was set back forgets nothing.
    when moved <= 0 then counts
    when moved >= 11 then array_fill(0::bigint, array[11])
    else array_fill(0::bigint, array[moved::int]) || counts[1:11 - moved::int]
  end
$$;

-- The window as it stands at a time. When the rule's length was changed, what is still held counts as if it were of now.
create function window_at(held player_windows, new_slice_ms bigint, at_ms bigint)
  returns player_windows language plpgsql immutable as $$
declare
  moved bigint := at_ms / held.slice_ms - held.slice;
begin
  held.points := slid(held.points, moved);
  held.actions := slid(held.actions, moved);
  held.slice := held.slice + greatest(moved, 0);
  if held.slice_ms <> new_slice_ms then
    held.points := sum_of(held.points) || array_fill(0::bigint, array[10]);
    held.actions := sum_of(held.actions) || array_fill(0::bigint, array[10]);
    held.slice := at_ms / new_slice_ms;
    held.slice_ms := new_slice_ms;
  end if;
  return held;
end
$$;

-- Milliseconds until so much fits again; 0 when it fits now.
create function wait_for_room(held player_windows, counts bigint[], adding bigint, cap bigint, at_ms bigint)
  returns bigint language plpgsql immutable as $$
declare
  total bigint := sum_of(counts);
begin
  if cap is null or total + adding <= cap then return 0; end if;
  for i in reverse 11..1 loop
    total := total - counts[i];
    if total + adding <= cap then return (held.slice - i + 12) * held.slice_ms - at_ms; end if;
  end loop;
  raise exception 'an action beyond the whole cap was not refused before';
end
$$;

create type limit_refusal as (reason text, retry_after_ms bigint);

-- Why one rule refuses an action, or null. Less room than the action alone takes is no matter of waiting.
create function refusal_of(rule leaderboard_limits, held player_windows, amount bigint, at_ms bigint)
  returns limit_refusal language plpgsql immutable as $$
declare
  since bigint := at_ms - held.last_at_ms;
  wait  bigint;
begin
  if amount > least(rule.max_points, rule.max_window_points) then return ('POINTS_OVER_CAP', 0)::limit_refusal; end if;
  -- A clock that was set back can't tell.
  if since >= 0 and since < rule.min_interval_ms then
    return ('TOO_SOON', rule.min_interval_ms - since)::limit_refusal;
  end if;
  wait := wait_for_room(held, held.actions, 1, rule.max_window_actions, at_ms);
  if wait > 0 then return ('WINDOW_ACTIONS_EXCEEDED', wait)::limit_refusal; end if;
  wait := wait_for_room(held, held.points, amount, rule.max_window_points, at_ms);
  if wait > 0 then return ('WINDOW_POINTS_EXCEEDED', wait)::limit_refusal; end if;
  return null;
end
$$;

-- The player's window under a rule, now.
create function find_window(rule leaderboard_limits, player text, at_ms bigint)
  returns player_windows language plpgsql as $$
declare
  -- A rule without a window keeps the time of the last action alone; its counts are of no consequence.
  tenth bigint := (coalesce(rule.window_ms, 10000) + 9) / 10;
  held  player_windows;
begin
  select w.* into held from player_windows w
    where w.leaderboard = rule.leaderboard and w.user_id = player and w.kind = rule.kind;
  if not found then
    held := row(rule.leaderboard, player, rule.kind, null, tenth, at_ms / tenth,
                array_fill(0::bigint, array[11]), array_fill(0::bigint, array[11]))::player_windows;
  end if;
  return window_at(held, tenth, at_ms);
end
$$;

create function count_in_window(held player_windows, amount bigint, at_ms bigint) returns void language plpgsql as $$
begin
  held.points[1] := held.points[1] + amount;
  held.actions[1] := held.actions[1] + 1;
  held.last_at_ms := at_ms;
  insert into player_windows select held.*
  on conflict (leaderboard, user_id, kind) do update set
    last_at_ms = excluded.last_at_ms, slice_ms = excluded.slice_ms, slice = excluded.slice,
    points = excluded.points, actions = excluded.actions;
end
$$;

create type judged_action as (
  place          int,
  leaderboard    text,
  user_id        text,
  -- 'ACCEPTED', 'REPLAYED', or the reason of the refusal.
  outcome        text,
  retry_after_ms bigint,
  -- The player's state after this action; of a repeat, points and version as they were told first.
  username       text,
  points         bigint,
  version        bigint,
  reached        bigint
);

-- Judges actions one by one, in the order given for each player, and writes those that it accepts. A repeat gets its first
-- answer whatever the rules say by now. Players are locked in the order in which every other writer touches them. A unique
-- violation means that the same action is being accepted elsewhere: nothing was written, and another try sees it.
create function accept_limited_actions(
  leaderboards text[], user_ids text[], usernames text[], action_ids text[], amounts bigint[], key_ids text[], callers text[])
  returns setof judged_action language plpgsql as $$
declare
  base    bigint := nextval('action_positions');
  a       record;
  judged  judged_action;
  known   actions;
  rule    leaderboard_limits;
  refusal limit_refusal;
  at_ms   bigint;
begin
  for a in
    select * from unnest(leaderboards, user_ids, usernames, action_ids, amounts, key_ids, callers)
      with ordinality as t (leaderboard, user_id, username, action_id, amount, key_id, caller, place)
    order by t.leaderboard collate "C", t.user_id collate "C", t.place
  loop
    judged := row(a.place, a.leaderboard, a.user_id, null, 0, null, null, null, null)::judged_action;
    -- The window of all actions is the lock of a player on a board, also for rules of one kind.
    insert into player_windows (leaderboard, user_id, kind, slice_ms, slice)
      select a.leaderboard, a.user_id, '', 1000, 0
      where exists (select from leaderboard_limits l where l.leaderboard = a.leaderboard)
      on conflict do nothing;
    perform from player_windows w
      where w.leaderboard = a.leaderboard and w.user_id = a.user_id and w.kind = '' for update;
    -- Read under the lock, so that it never falls from one action of a player to the next.
    at_ms := floor(extract(epoch from clock_timestamp()) * 1000);

    select k.* into known from actions k where k.user_id = a.user_id and k.action_id = a.action_id;
    if found then
      judged.outcome := case when known.leaderboard = a.leaderboard and known.points = a.amount
                             then 'REPLAYED' else 'ACTION_CONFLICT' end;
      judged.points := known.score_after;
      judged.version := known.version;
      return next judged;
      continue;
    end if;

    if exists (select from quarantined_players q where q.user_id = a.user_id) then
      judged.outcome := 'PLAYER_QUARANTINED';
      return next judged;
      continue;
    end if;

    for rule in
      select l.* from leaderboard_limits l
      where l.leaderboard = a.leaderboard and l.kind in ('', split_part(a.action_id, '_', 1)) order by l.kind
    loop
      refusal := refusal_of(rule, find_window(rule, a.user_id, at_ms), a.amount, at_ms);
      judged.outcome := refusal.reason;
      judged.retry_after_ms := coalesce(refusal.retry_after_ms, 0);
      exit when judged.outcome is not null;
    end loop;
    if judged.outcome is not null then
      return next judged;
      continue;
    end if;

    insert into scores as s (leaderboard, user_id, username, points, version, reached)
      values (a.leaderboard, a.user_id,
              coalesce(nullif(a.username, ''), (select p.username from players p where p.user_id = a.user_id), left(a.user_id, 32)),
              a.amount, 1, base + a.place)
      on conflict (leaderboard, user_id) do update set
        username = excluded.username,
        points = s.points + excluded.points,
        version = s.version + 1,
        reached = case when excluded.points > 0 then excluded.reached else s.reached end
      where s.points + excluded.points <= 9007199254740991
      returning s.username, s.points, s.version, s.reached
      into judged.username, judged.points, judged.version, judged.reached;
    if not found then
      judged.outcome := 'SCORE_LIMIT_REACHED';
      return next judged;
      continue;
    end if;
    insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller)
      values (base + a.place, a.leaderboard, a.user_id, a.action_id, a.amount, judged.points, judged.version, a.key_id, a.caller);
    perform count_in_window(find_window(l, a.user_id, at_ms), a.amount, at_ms) from leaderboard_limits l
      where l.leaderboard = a.leaderboard and l.kind in ('', split_part(a.action_id, '_', 1));
    judged.outcome := 'ACCEPTED';
    return next judged;
  end loop;
end
$$;

-- What an erasure takes out of the audit chain's subjects, it takes out of these tables in the same step.
create function forget_erased_player() returns trigger language plpgsql as $$
begin
  delete from player_windows w where w.user_id = old.user_id;
  delete from player_flags f where f.user_id = old.user_id;
  delete from quarantined_players q where q.user_id = old.user_id;
  return null;
end
$$;

create trigger audit_subjects_forget_player after update on audit_subjects
  for each row when (new.salt is null and old.salt is not null) execute function forget_erased_player();
