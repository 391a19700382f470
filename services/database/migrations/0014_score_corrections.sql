-- Corrections of scores by operators. Each is an entry of the ledger, in the order of the player's versions on the board, and a
-- row here that says who changed what and why.

-- A row of `scores` whose player is not on the board keeps its version and has one of two marks as `reached`, both greater than any
-- position: 9007199254740991 without a standing score (removed, or every action is void), 9007199254740990 with one that is hidden.
-- An action that changes the points sets `reached`, as always, and so puts a removed player on the board again.

-- The entry in `actions` has the action id "correction:" and the operation id, which no action of a player can have, no points of
-- its own, and as its key the digest of this row. So the audit chain seals corrections without a form of their own.
create table corrections (
  -- Unique for ever: a repeat is told the first answer.
  operation_id  text collate "C" primary key,
  position      bigint not null unique,
  leaderboard   text collate "C" not null,
  user_id       text collate "C" not null,
  kind          text not null check (kind in ('adjust', 'set', 'void', 'remove', 'restore', 'hide', 'show')),
  -- What "adjust" adds, or the score that "set" sets.
  amount        bigint,
  -- The action that "void" takes back.
  action_id     text collate "C",
  -- Null once the player is erased; its digest stays, so that the row still proves what was sealed.
  reason        text,
  reason_digest bytea not null,
  -- Who asked, as the command line tells it.
  operator      text not null,
  -- The standing score before and after; null for none.
  score_before  bigint,
  score_after   bigint
);

create index corrections_of_player on corrections (user_id, leaderboard, position);
create unique index corrections_void on corrections (user_id, action_id) where kind = 'void';

create trigger corrections_append_only before delete or truncate on corrections
  for each statement execute function refuse_change();

create function refuse_all_but_forgetting() returns trigger language plpgsql as $$
declare
  kept corrections := new;
begin
  kept.user_id := old.user_id;
  kept.reason := old.reason;
  if kept is distinct from old or new.reason is not null
     or not exists (select from audit_subjects s where s.user_id = new.user_id and s.salt is null) then
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$$;

create trigger corrections_only_erasure before update on corrections
  for each row execute function refuse_all_but_forgetting();

-- What the row's entry in the ledger has as its key: SHA-256 over all that it says.
create function correction_digest(c corrections) returns text language sql immutable parallel safe
  return encode(sha256(convert_to(
    audit_field('scoreboard-correction-v1') || audit_field(c.operation_id) || audit_field(c.kind)
    || audit_field(coalesce(c.amount::text, '')) || audit_field(coalesce(c.action_id, ''))
    || audit_field(encode(c.reason_digest, 'hex')) || audit_field(c.operator)
    || audit_field(coalesce(c.score_before::text, '')) || audit_field(coalesce(c.score_after::text, '')), 'UTF8')), 'hex');

-- A player's standing on a board, as a value: greater is better. Without points there is none. The position tells since when.
create type standing as (points bigint, reached bigint, is_hidden boolean);

-- What stands in `scores` for no standing score: less than any score, and nothing to add to.
create function no_score(operator text, ascending boolean) returns bigint language sql immutable parallel safe
  return case when operator = 'sum' then 0 when operator = 'last' and ascending then 9007199254740991
              else -9007199254740991 end;

-- A value within the bounds of scores.
create function bounded(points numeric, ascending boolean) returns bigint language sql immutable parallel safe
  return case when ascending then greatest(least(points, 0), -9007199254740991)
              else least(greatest(points, 0), 9007199254740991) end::bigint;

-- The standing after one more entry of the ledger. `amount` is a value: that of the action, or of what is added or set.
create function after_entry(
  s standing, is_first boolean, kind text, amount bigint, at_position bigint, operator text, ascending boolean)
  returns standing language plpgsql immutable as $$
declare
  before bigint := s.points;
begin
  case kind
    when 'action' then
      if before is not null then
        s.points := bounded(case when operator = 'sum' then before::numeric + amount
                                 else standing_after(operator, before, amount) end, ascending);
      -- The accepting statement sees no difference between nothing and an action that changes nothing.
      elsif is_first or standing_after(operator, no_score(operator, ascending), amount) <> no_score(operator, ascending) then
        s.points := amount;
      end if;
    when 'adjust' then
      if before is not null or operator = 'sum' then
        s.points := bounded(coalesce(before, 0)::numeric + amount, ascending);
      end if;
    when 'set' then s.points := amount;
    when 'remove' then s.points := null;
    when 'hide' then s.is_hidden := true;
    when 'show' then s.is_hidden := false;
    else null;
  end case;
  if s.points is distinct from before then
    s.reached := at_position;
  end if;
  return s;
end
$$;

-- The standing that the ledger says: every entry of the player on the board in the order of versions, without actions that are void
-- and without removals before a restoration. The last two say what a correction under way does to entries before it.
create function standing_of(board text, player text, operator text, ascending boolean, voiding text, restoring boolean)
  returns standing language plpgsql stable as $$
declare
  e           record;
  s           standing := row(null, null, false)::standing;
  restored_at bigint := case when restoring then 9007199254740991 else (
    select max(c.position) from corrections c where c.user_id = player and c.leaderboard = board and c.kind = 'restore') end;
begin
  for e in
    select a.version, a.position, coalesce(c.kind, 'action') as kind,
           case when ascending then -coalesce(c.amount, a.points) else coalesce(c.amount, a.points) end as amount
    from actions a
    left join corrections c on c.position = a.position
    where a.user_id = player and a.leaderboard = board
      and a.action_id is distinct from voiding
      and not exists (select from corrections v where v.user_id = player and v.kind = 'void' and v.action_id = a.action_id)
      and not coalesce(c.kind = 'remove' and a.position < restored_at, false)
    order by a.version
  loop
    s := after_entry(s, e.version = 1, e.kind, e.amount, e.position, operator, ascending);
  end loop;
  return s;
end
$$;

create type corrected as (
  -- 'CORRECTED', 'REPLAYED', 'UNCHANGED', or the reason of the refusal.
  outcome      text,
  leaderboard  text,
  score_before bigint,
  score_after  bigint,
  version      bigint
);

-- Corrects one player's score on one board, in the lock of the player's row as every action, and leaves the delivery to the outbox.
-- "void" finds the board by its action. A unique violation means that the operation was carried out elsewhere meanwhile: nothing was
-- written, and another try sees it.
create function correct_score(
  operation text, given_kind text, board text, player text, given_amount bigint, voided text, why text, who text, given_caller text)
  returns corrected language plpgsql as $$
declare
  r       corrected := row(null, board, null, null, null)::corrected;
  c       corrections;
  b       boards;
  held    scores;
  is_new  boolean := false;
  is_hid  boolean;
  base    bigint;
  before  standing;
  after   standing;
begin
  c := row(operation, null, board, player, given_kind, given_amount, voided, why, sha256(convert_to(why, 'UTF8')), who, null, null);
  declare
    known corrections;
  begin
    select k.* into known from corrections k where k.operation_id = operation;
    if found then
      r.outcome := case
        when (known.kind, known.user_id, known.amount, known.action_id, known.reason_digest)
             is distinct from (c.kind, c.user_id, c.amount, c.action_id, c.reason_digest)
             or (given_kind <> 'void' and known.leaderboard <> board) then 'OPERATION_CONFLICT' else 'REPLAYED' end;
      r.leaderboard := known.leaderboard;
      r.score_before := known.score_before;
      r.score_after := known.score_after;
      r.version := (select a.version from actions a where a.user_id = player and a.action_id = 'correction:' || operation);
      return r;
    end if;
  end;

  if given_kind = 'void' then
    select a.leaderboard into c.leaderboard from actions a where a.user_id = player and a.action_id = voided;
    if not found then
      r.outcome := 'ACTION_NOT_FOUND';
      return r;
    end if;
    r.leaderboard := c.leaderboard;
  end if;
  select t.* into b from boards t where t.name = c.leaderboard;
  if not found then
    r.outcome := 'BOARD_NOT_FOUND';
    return r;
  end if;

  select s.* into held from scores s where s.leaderboard = c.leaderboard and s.user_id = player for update;
  if not found and given_kind = 'set' and exists (
       select from players p where p.user_id = player union all select from scores s where s.user_id = player) then
    update boards set has_scores = true where name = c.leaderboard and not has_scores;
    -- From here on the kind of the board is fixed.
    select t.* into b from boards t where t.name = c.leaderboard;
    insert into scores (leaderboard, user_id, username, points, version, reached, operator)
      values (c.leaderboard, player,
              coalesce((select p.username from players p where p.user_id = player), fallback_name(player)),
              no_score(b.operator, b.sort_order = 'ascending'), 1, 9007199254740991, b.operator)
      on conflict do nothing;
    is_new := found;
    select s.* into held from scores s where s.leaderboard = c.leaderboard and s.user_id = player for update;
  end if;
  if held.user_id is null then
    r.outcome := 'PLAYER_NOT_FOUND';
    return r;
  end if;

  is_hid := coalesce((select k.kind = 'hide' from corrections k
    where k.user_id = player and k.leaderboard = c.leaderboard and k.kind in ('hide', 'show') order by k.position desc limit 1), false);
  before := row(case when held.reached <> 9007199254740991 then held.points end, held.reached, is_hid)::standing;
  base := nextval('action_positions');
  c.position := base + 1;

  if given_kind in ('adjust', 'remove') and before.points is null then
    r.outcome := 'PLAYER_NOT_FOUND';
  elsif given_kind = 'adjust' and abs(before.points) + given_amount not between 0 and 9007199254740991 then
    r.outcome := 'SCORE_OUT_OF_RANGE';
  elsif given_kind = 'void' and exists (
      select from corrections k where k.user_id = player and k.kind = 'void' and k.action_id = voided) then
    r.outcome := 'ACTION_VOIDED';
  elsif given_kind = 'restore' and not exists (
      select from corrections k where k.user_id = player and k.leaderboard = c.leaderboard and k.kind = 'remove'
        and k.position > coalesce((select max(l.position) from corrections l
          where l.user_id = player and l.leaderboard = c.leaderboard and l.kind = 'restore'), 0)) then
    r.outcome := 'PLAYER_NOT_REMOVED';
  elsif given_kind = 'hide' and (held.reached >= 9007199254740990 and is_hid)
     or given_kind = 'show' and not is_hid then
    r.outcome := 'UNCHANGED';
  end if;
  if r.outcome is not null then
    return r;
  end if;

  if given_kind in ('void', 'restore', 'show') then
    after := standing_of(c.leaderboard, player, held.operator, b.sort_order = 'ascending', voided, given_kind = 'restore');
    after.is_hidden := is_hid and given_kind <> 'show';
  else
    after := after_entry(before, is_new, given_kind, case when b.sort_order = 'ascending' then -given_amount else given_amount end,
                         c.position, held.operator, b.sort_order = 'ascending');
  end if;
  update scores s set
    points = coalesce(after.points, no_score(s.operator, b.sort_order = 'ascending')),
    version = case when is_new then 1 else s.version + 1 end,
    reached = case when after.points is null then 9007199254740991 when after.is_hidden then 9007199254740990 else after.reached end
  where s.leaderboard = c.leaderboard and s.user_id = player
  returning s.version into r.version;

  r.outcome := 'CORRECTED';
  c.score_before := abs(before.points);
  c.score_after := abs(after.points);
  r.score_before := c.score_before;
  r.score_after := c.score_after;
  insert into corrections select c.*;
  insert into actions (position, leaderboard, user_id, action_id, points, score_after, version, key_id, caller)
    values (c.position, c.leaderboard, player, 'correction:' || operation, 0, coalesce(c.score_after, 0), r.version,
            correction_digest(c), given_caller);
  insert into outbox (leaderboards, user_ids, next_attempt_at) values (array[c.leaderboard], array[player], now());
  return r;
end
$$;

-- The top 10 straight from the truth, of players who are on the board. Calls for one board run one after another, and each reads
-- after the one before it has committed, so a greater seq never carries an older board.
create or replace function read_truth_board(board text)
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
    from (select s.user_id, s.username, s.points, s.reached from scores s
          where s.leaderboard = board and s.reached < 9007199254740990
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

-- Takes a player out of everything here, with the link that says so, and answers the boards that the player was on. Actions and
-- corrections stay, under a pseudonym that no player can have, since a user id holds no space; the reasons of corrections go.
create or replace function erase_player(player text, stands_for bytea, link_seq bigint, link_head bytea)
  returns text[] language plpgsql security definer as $$
declare
  pseudonym text := 'erased ' || gen_random_uuid();
  boards    text[] := '{}';
  found_on  text[];
begin
  perform pg_advisory_xact_lock(hashtext('audit_chain'));
  insert into audit_links (seq, actions, digest, erased, head) values (link_seq, 0, sha256(''), stands_for, link_head);
  update audit_subjects set user_id = pseudonym, salt = null where user_id = player and commitment = stands_for;
  if not found then
    raise exception 'the player stands for something else in the chain';
  end if;
  -- Twice: what was being accepted the first time is committed once the player's rows are locked and gone.
  for pass in 1..2 loop
    found_on := array(select distinct a.leaderboard from actions a where a.user_id = player order by a.leaderboard);
    update actions set user_id = pseudonym where user_id = player;
    update corrections set user_id = pseudonym, reason = null where user_id = player;
    -- In the order in which a board is read from the truth: the lock, then the rows.
    perform pg_advisory_xact_lock(hashtext('truth_board'), hashtext(board)) from unnest(found_on) as board;
    delete from scores where leaderboard = any(found_on) and user_id = player;
    update truth_boards t set top = '[]', seq = t.seq + 1
      where t.leaderboard = any(found_on) and exists (select from jsonb_array_elements(t.top) e where e ->> 0 = player);
    boards := boards || found_on;
  end loop;
  delete from players where user_id = player;
  delete from rejected_actions where user_id = player;
  return array(select distinct board from unnest(boards) as board order by board);
end
$$;

do $$
begin
  execute format(
    'alter function erase_player(text, bytea, bigint, bytea) set search_path = %I, pg_temp', current_schema());
end
$$;
