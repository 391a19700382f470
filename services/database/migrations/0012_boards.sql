-- Boards with settings of their own: how the scores of a player combine, and which scores are better.

create table boards (
  name       text collate "C" primary key check (name ~ '^[A-Za-z0-9_-]{1,64}$'),
  -- What a new score does to the standing one.
  operator   text     not null default 'sum' check (operator in ('sum', 'best', 'last')),
  sort_order text     not null default 'descending' check (sort_order in ('descending', 'ascending')),
  -- For display: a score of 8312 with three decimals and the unit "s" is shown as 8.312 s.
  decimals   smallint not null default 0 check (decimals between 0 and 6),
  unit       text     not null default '' check (char_length(unit) <= 16),
  -- A board takes scores while it is open. An archived one is not listed either.
  state      text     not null default 'open' check (state in ('open', 'closed', 'archived')),
  -- Set before the first score is taken. From then on operator, order and decimals never change.
  has_scores boolean  not null default false,
  created_at timestamptz not null default now()
);

-- Boards that have scores already. It steps from board to board along the primary key instead of reading every row.
insert into boards (name, has_scores)
with recursive board as (
  (select leaderboard from scores order by leaderboard limit 1)
  union all
  select (select s.leaderboard from scores s where s.leaderboard > board.leaderboard order by s.leaderboard limit 1)
  from board where board.leaderboard is not null
)
select leaderboard, true from board where leaderboard is not null;

insert into boards (name) values ('global') on conflict do nothing;

-- A change of state is a change that every process learns about, like those of limits and quarantine.
create trigger board_state_changed after update of state on boards
  for each statement execute function count_limits_change();

-- Within the system a greater value is always better: a board with ascending order holds its scores negated.
alter table scores
  drop constraint scores_points_check,
  add constraint scores_points_check check (points between -9007199254740991 and 9007199254740991),
  -- That of the board, so that the statement that accepts scores needs no other row.
  add column operator text not null default 'sum';

-- Whether the action changed the standing score. Null on boards that add up, where points and version say it.
alter table actions add column changed_score boolean;

-- The standing value after an action, and the only definition of the operators. Inlined into the statements that call it.
create function standing_after(operator text, held bigint, value bigint) returns bigint
  language sql immutable parallel safe
  return case operator when 'sum' then held + value when 'best' then greatest(held, value) when 'last' then value end;

alter type judged_action add attribute changed_score boolean;

-- Creates the declared boards that are missing, and brings the settings of the others up to date: all of them, or none. Returns
-- the names of those that are new or changed. For the operator's migration: no service may call it.
create function apply_boards(given jsonb) returns setof text language plpgsql as $$
declare
  d record;
  b boards;
begin
  for d in
    select * from jsonb_to_recordset(given) as t (name text, operator text, sort_order text, decimals smallint, unit text)
    order by t.name collate "C"
  loop
    insert into boards (name, operator, sort_order, decimals, unit)
      values (d.name, d.operator, d.sort_order, d.decimals, d.unit) on conflict do nothing;
    if found then
      return next d.name;
      continue;
    end if;
    select * into b from boards where name = d.name for update;
    if b.has_scores and (b.operator, b.sort_order, b.decimals) <> (d.operator, d.sort_order, d.decimals) then
      raise exception 'the board % has scores: its operator, order and decimals can not change from %, %, % to %, %, %',
        d.name, b.operator, b.sort_order, b.decimals, d.operator, d.sort_order, d.decimals;
    end if;
    update boards set operator = d.operator, sort_order = d.sort_order, decimals = d.decimals, unit = d.unit
      where name = d.name and (operator, sort_order, decimals, unit) <> (d.operator, d.sort_order, d.decimals, d.unit);
    if found then
      return next d.name;
    end if;
  end loop;
end
$$;

-- Judges actions one by one, in the order given for each player, and writes those that it accepts. A repeat gets its first
-- answer whatever the rules, the board and the player's score say by now. Players are locked in the order in which every other
-- writer touches them. A unique violation means that the same action was accepted elsewhere meanwhile: nothing was written, and
-- another try sees it.
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
  board   boards;
  amount  bigint;
  -- The name to show; null when neither a profile nor the submission has one. A fallback is none.
  shown   text;
begin
  for a in
    select * from unnest(leaderboards, user_ids, usernames, action_ids, amounts, key_ids, callers)
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

    select k.* into known from actions k where k.user_id = a.user_id and k.action_id = a.action_id;
    if found then
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
    insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller, changed_score)
      values (base + a.place, a.leaderboard, a.user_id, a.action_id, a.amount, abs(judged.points), judged.version, a.key_id, a.caller,
              case when board.operator <> 'sum' then judged.changed_score end);
    perform count_in_window(find_window(l, a.user_id, at_ms), a.amount, at_ms) from leaderboard_limits l
      where l.leaderboard = a.leaderboard and l.kind in ('', split_part(a.action_id, '_', 1));
    judged.outcome := 'ACCEPTED';
    return next judged;
  end loop;
end
$$;
