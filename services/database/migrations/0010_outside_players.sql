-- Players of identity providers.

-- The fingerprint of the key that derives their user ids. The first one stays: with another key they would be strangers.
create table subject_key (
  only_row    boolean     primary key default true check (only_row),
  fingerprint text        not null,
  created_at  timestamptz not null default now()
);

-- The name of a player who has none: "Player 7F3K" for a derived user id, and otherwise the user id, as far as it fits. The same
-- as in the verifier of tokens. Inlined into the statements that call it.
create function fallback_name(user_id text) returns text language sql immutable parallel safe
  return case when user_id ~ '^u_[23456789bcdfghjkmnpqrstvwxyz]{21}$' then 'Player ' || upper(substr(user_id, 3, 4))
              else left(user_id, 32) end;

-- Judges actions one by one, in the order given for each player, and writes those that it accepts. A repeat gets its first
-- answer whatever the rules and the player's total say by now. Players are locked in the order in which every other writer touches
-- them. A unique violation means that the same action was accepted elsewhere meanwhile: nothing was written, and another try sees it.
create or replace function accept_limited_actions(
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
  -- The name to show; null when neither a profile nor the submission has one. A fallback is none.
  shown   text;
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

    if exists (select from quarantined_players q where q.user_id in (a.user_id, quarantine_name(a.user_id))) then
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

    shown := coalesce((select p.username from players p where p.user_id = a.user_id),
                      nullif(nullif(a.username, ''), fallback_name(a.user_id)));
    insert into scores as s (leaderboard, user_id, username, points, version, reached)
      values (a.leaderboard, a.user_id, coalesce(shown, fallback_name(a.user_id)), a.amount, 1, base + a.place)
      on conflict (leaderboard, user_id) do update set
        username = coalesce(shown, s.username),
        points = s.points + excluded.points,
        version = s.version + 1,
        reached = case when excluded.points > 0 then excluded.reached else s.reached end
      where s.points + excluded.points <= 9007199254740991
      returning s.username, s.points, s.version, s.reached
      into judged.username, judged.points, judged.version, judged.reached;
    if not found then
      -- The player's row is locked now, though it was not changed. A writer that was ahead may have accepted this action.
      if exists (select from actions k where k.user_id = a.user_id and k.action_id = a.action_id) then
        raise unique_violation;
      end if;
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
