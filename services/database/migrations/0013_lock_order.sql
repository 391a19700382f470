-- Two writers of one action on different boards can not deadlock: every writer takes its locks on players first, in byte order of
-- (leaderboard, user_id), and writes its actions after them, in byte order of (user_id, action_id).

-- Judges actions one by one, in the order given for each player, and writes those that it accepts. A repeat gets its first
-- answer whatever the rules, the board and the player's score say by now. A unique violation means that the same action was
-- accepted elsewhere meanwhile: nothing was written, and another try sees it.
create or replace function accept_limited_actions(
  leaderboards text[], user_ids text[], usernames text[], action_ids text[], amounts bigint[], key_ids text[], callers text[])
  returns setof judged_action language plpgsql as $$
declare
  base    bigint := nextval('action_positions');
  a       record;
  judged  judged_action;
  known   actions;
  entry   actions;
  -- Accepted, and written at the end.
  entries actions[] := '{}';
  rule    leaderboard_limits;
  refusal limit_refusal;
  at_ms   bigint;
  board   boards;
  amount  bigint;
  -- The name to show; null when neither a profile nor the submission has one. A fallback is none.
  shown   text;
begin
  for a in
    select *, count(*) over (partition by user_id, action_id) > 1 as is_twice
    from unnest(leaderboards, user_ids, usernames, action_ids, amounts, key_ids, callers)
      with ordinality as t (leaderboard, user_id, username, action_id, amount, key_id, caller, place)
    order by t.leaderboard collate "C", t.user_id collate "C", t.place
  loop
    judged := row(a.place, a.leaderboard, a.user_id, null, 0, null, null, null, null, null)::judged_action;
    -- The window of all actions is the lock of a player on a board, also for rules of one kind.
    insert into player_windows (leaderboard, user_id, kind, slice_ms, slice)
      select a.leaderboard, a.user_id, '', 1000, 0
      where exists (select from leaderboard_limits l where l.leaderboard = a.leaderboard)
      on conflict do nothing;
    perform from player_windows w
      where w.leaderboard = a.leaderboard and w.user_id = a.user_id and w.kind = '' for update;
    -- Read under the lock, so that it never falls from one action of a player to the next.
    at_ms := floor(extract(epoch from clock_timestamp()) * 1000);

    known := null;
    if a.is_twice then
      select e.* into known from unnest(entries) e where e.user_id = a.user_id and e.action_id = a.action_id;
    end if;
    if known.action_id is null then
      select k.* into known from actions k where k.user_id = a.user_id and k.action_id = a.action_id;
    end if;
    if known.action_id is not null then
      judged.outcome := case when known.leaderboard = a.leaderboard and known.points = a.amount
                             then 'REPLAYED' else 'ACTION_CONFLICT' end;
      judged.points := known.score_after;
      judged.version := known.version;
      judged.changed_score := coalesce(known.changed_score, known.points <> 0 or known.version = 1);
      return next judged;
      continue;
    end if;

    select b.* into board from boards b where b.name = a.leaderboard;
    if board.state <> 'open' then
      judged.outcome := 'BOARD_CLOSED';
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
    -- Of a board without a row, its first score comes from a process of an earlier version, which only adds up.
    board.operator := coalesce(board.operator, 'sum');
    amount := case when board.sort_order = 'ascending' then -a.amount else a.amount end;
    insert into scores as s (leaderboard, user_id, username, points, version, reached, operator)
      values (a.leaderboard, a.user_id, coalesce(shown, fallback_name(a.user_id)), amount, 1, base + a.place, board.operator)
      on conflict (leaderboard, user_id) do update set
        username = coalesce(shown, s.username),
        points = standing_after(s.operator, s.points, excluded.points),
        version = s.version + 1,
        reached = case when standing_after(s.operator, s.points, excluded.points) <> s.points
                       then excluded.reached else s.reached end
      where abs(standing_after(s.operator, s.points, excluded.points)) <= 9007199254740991
      returning s.username, s.points, s.version, s.reached, s.reached = base + a.place
      into judged.username, judged.points, judged.version, judged.reached, judged.changed_score;
    if not found then
      -- The player's row is locked now, though it was not changed. A writer that was ahead may have accepted this action.
      if exists (select from actions k where k.user_id = a.user_id and k.action_id = a.action_id) then
        raise unique_violation;
      end if;
      judged.outcome := 'SCORE_LIMIT_REACHED';
      return next judged;
      continue;
    end if;
    entry := null;
    entry.position := base + a.place;
    entry.leaderboard := a.leaderboard;
    entry.user_id := a.user_id;
    entry.action_id := a.action_id;
    entry.points := a.amount;
    entry.score_after := abs(judged.points);
    entry.version := judged.version;
    entry.key_id := a.key_id;
    entry.caller := a.caller;
    entry.changed_score := case when board.operator <> 'sum' then judged.changed_score end;
    entries := entries || entry;
    perform count_in_window(find_window(l, a.user_id, at_ms), a.amount, at_ms) from leaderboard_limits l
      where l.leaderboard = a.leaderboard and l.kind in ('', split_part(a.action_id, '_', 1));
    judged.outcome := 'ACCEPTED';
    return next judged;
  end loop;
  if cardinality(entries) > 0 then
    insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller, changed_score)
      select e.position, e.leaderboard, e.user_id, e.action_id, e.points, e.score_after, e.version, e.key_id, e.caller,
             e.changed_score
      from unnest(entries) e order by e.user_id, e.action_id;
  end if;
end
$$;
