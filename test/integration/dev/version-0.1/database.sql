-- The database of version 0.1 with a few players, dumped by pg_dump --no-owner --no-privileges --inserts. In it are two boards with
-- ties and limits, a refused, a quarantined and an erased player, fourteen links of the audit chain, and one batch that is committed
-- and not delivered, since NATS was paused. expected.json holds what version 0.1 answered; audit.key and auth-keys are of that stack.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE TYPE public.judged_action AS (
	place integer,
	leaderboard text,
	user_id text,
	outcome text,
	retry_after_ms bigint,
	username text,
	points bigint,
	version bigint,
	reached bigint
);

CREATE TYPE public.limit_refusal AS (
	reason text,
	retry_after_ms bigint
);

CREATE FUNCTION public.accept_limited_actions(leaderboards text[], user_ids text[], usernames text[], action_ids text[], amounts bigint[], key_ids text[], callers text[]) RETURNS SETOF public.judged_action
    LANGUAGE plpgsql
    AS $$
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

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.actions (
    "position" bigint NOT NULL,
    leaderboard text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    action_id text NOT NULL COLLATE pg_catalog."C",
    points bigint NOT NULL,
    score_after bigint NOT NULL,
    version bigint NOT NULL,
    key_id text NOT NULL,
    caller text NOT NULL,
    accepted_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT actions_points_check CHECK (((points >= 0) AND (points <= '9007199254740991'::bigint)))
);

CREATE FUNCTION public.actions_of_batch(batch bigint) RETURNS SETOF public.actions
    LANGUAGE sql STABLE
    AS $$
  select a.* from actions a where a.position between batch + 1 and batch + 999 order by a.position limit 999
$$;

CREATE FUNCTION public.audit_candidates(max_batches integer, from_batch bigint DEFAULT '-9223372036854775808'::bigint) RETURNS TABLE(batches bigint[], actions bigint, digest bytea)
    LANGUAGE plpgsql
    AS $$
begin
  if not pg_try_advisory_xact_lock(hashtext('audit_chain')) then
    return;
  end if;
  batches := array(
    select b.batch from audit_batches b where b.seq is null and b.batch >= from_batch order by b.batch limit max_batches);
  if cardinality(batches) = 0 then
    return;
  end if;
  insert into audit_subjects (user_id, salt, commitment)
  select n.user_id, n.salt, sha256(n.salt || convert_to(n.user_id, 'UTF8'))
  from (select f.user_id, uuid_send(gen_random_uuid()) as salt
        from (select distinct a.user_id
              from unnest(batches) as b (batch) cross join actions_of_batch(b.batch) a
              where (select true from audit_subjects s where s.user_id = a.user_id) is null) f) n;
  select count(*), sha256(convert_to(coalesce(string_agg(
           audit_field(a.position::text) || audit_field(a.leaderboard) || audit_field(encode(s.commitment, 'hex'))
           || audit_field(a.action_id) || audit_field(a.points::text) || audit_field(a.score_after::text)
           || audit_field(a.version::text) || audit_field(a.key_id) || audit_field(a.caller)
           || audit_field((extract(epoch from a.accepted_at) * 1000000)::bigint::text),
           '' order by a.position), ''), 'UTF8'))
    into actions, digest
    from unnest(batches) as b (batch)
    cross join actions_of_batch(b.batch) a
    cross join lateral (select t.commitment from audit_subjects t where t.user_id = a.user_id limit 1) s;
  return next;
end
$$;

CREATE FUNCTION public.audit_field(field text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (((octet_length(field))::text || ':'::text) || field);

CREATE TABLE public.player_windows (
    leaderboard text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    last_at_ms bigint,
    slice_ms bigint NOT NULL,
    slice bigint NOT NULL,
    points bigint[] DEFAULT array_fill((0)::bigint, ARRAY[11]) NOT NULL,
    actions bigint[] DEFAULT array_fill((0)::bigint, ARRAY[11]) NOT NULL
)
WITH (fillfactor='70');

CREATE FUNCTION public.count_in_window(held public.player_windows, amount bigint, at_ms bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.count_limits_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  update limits_version set version = version + 1;
  return null;
end
$$;

CREATE FUNCTION public.erase_player(player text, stands_for bytea, link_seq bigint, link_head bytea) RETURNS text[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.erasure_subject(player text) RETURNS bytea
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
  stands_for bytea;
  new_salt   bytea := uuid_send(gen_random_uuid());
begin
  perform pg_advisory_xact_lock(hashtext('audit_chain'));
  if not exists (select from players p where p.user_id = player)
     and not exists (select from actions a where a.user_id = player)
     and not exists (select from rejected_actions r where r.user_id = player) then
    return null;
  end if;
  insert into audit_subjects (user_id, salt, commitment)
  values (player, new_salt, sha256(new_salt || convert_to(player, 'UTF8'))) on conflict do nothing;
  select s.commitment into stands_for from audit_subjects s where s.user_id = player and s.salt is not null;
  return stands_for;
end
$$;

CREATE TABLE public.leaderboard_limits (
    leaderboard text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    max_points bigint,
    window_ms bigint,
    max_window_points bigint,
    max_window_actions bigint,
    min_interval_ms bigint,
    CONSTRAINT leaderboard_limits_check CHECK (((window_ms IS NULL) = ((max_window_points IS NULL) AND (max_window_actions IS NULL)))),
    CONSTRAINT leaderboard_limits_max_points_check CHECK ((max_points >= 0)),
    CONSTRAINT leaderboard_limits_max_window_actions_check CHECK ((max_window_actions >= 1)),
    CONSTRAINT leaderboard_limits_max_window_points_check CHECK ((max_window_points >= 1)),
    CONSTRAINT leaderboard_limits_min_interval_ms_check CHECK (((min_interval_ms >= 1) AND (min_interval_ms <= '2678400000'::bigint))),
    CONSTRAINT leaderboard_limits_window_ms_check CHECK (((window_ms >= 1000) AND (window_ms <= '2678400000'::bigint)))
);

CREATE FUNCTION public.find_window(rule public.leaderboard_limits, player text, at_ms bigint) RETURNS public.player_windows
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.forget_erased_player() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  delete from player_windows w where w.user_id = old.user_id;
  delete from player_flags f where f.user_id = old.user_id;
  delete from quarantined_players q where q.user_id = old.user_id;
  return null;
end
$$;

CREATE FUNCTION public.note_batch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  insert into audit_batches (batch) values (currval('action_positions')) on conflict do nothing;
  return null;
end
$$;

CREATE FUNCTION public.read_truth_board(board text) RETURNS TABLE(epoch bigint, seq bigint, top jsonb)
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refusal_of(rule public.leaderboard_limits, held public.player_windows, amount bigint, at_ms bigint) RETURNS public.limit_refusal
    LANGUAGE plpgsql IMMUTABLE
    AS $$
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

CREATE FUNCTION public.refuse_all_but_erasure() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
  kept actions := new;
begin
  kept.user_id := old.user_id;
  if kept is distinct from old
     or not exists (select from audit_subjects s where s.user_id = new.user_id and s.salt is null) then
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$$;

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

CREATE FUNCTION public.slid(counts bigint[], moved bigint) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE
    AS $$
  select case
    -- A clock that was set back forgets nothing.
    when moved <= 0 then counts
    when moved >= 11 then array_fill(0::bigint, array[11])
    else array_fill(0::bigint, array[moved::int]) || counts[1:11 - moved::int]
  end
$$;

CREATE FUNCTION public.sum_of(counts bigint[]) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    AS $$
  select sum(n)::bigint from unnest(counts) n
$$;

CREATE FUNCTION public.wait_for_room(held public.player_windows, counts bigint[], adding bigint, cap bigint, at_ms bigint) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE
    AS $$
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

CREATE FUNCTION public.window_at(held public.player_windows, new_slice_ms bigint, at_ms bigint) RETURNS public.player_windows
    LANGUAGE plpgsql IMMUTABLE
    AS $$
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

CREATE SEQUENCE public.action_positions
    START WITH 1000
    INCREMENT BY 1000
    NO MINVALUE
    MAXVALUE 9007199254740000
    CACHE 1;

CREATE TABLE public.audit_batches (
    batch bigint NOT NULL,
    seq bigint
);

CREATE TABLE public.audit_links (
    seq bigint NOT NULL,
    actions bigint NOT NULL,
    digest bytea NOT NULL,
    erased bytea NOT NULL,
    head bytea NOT NULL,
    CONSTRAINT audit_links_seq_check CHECK ((seq > 0))
);

CREATE TABLE public.audit_subjects (
    user_id text NOT NULL COLLATE pg_catalog."C",
    salt bytea,
    commitment bytea NOT NULL
);

CREATE TABLE public.limits_version (
    only_row boolean DEFAULT true NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT limits_version_only_row_check CHECK (only_row)
);

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    leaderboards text[] NOT NULL,
    user_ids text[] NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    last_error text,
    next_attempt_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT outbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'dead'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.player_flags (
    leaderboard text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    times bigint NOT NULL,
    detail text NOT NULL,
    first_at timestamp with time zone DEFAULT now() NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.players (
    user_id text NOT NULL COLLATE pg_catalog."C",
    username text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.quarantined_players (
    user_id text NOT NULL COLLATE pg_catalog."C",
    quarantined_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.rank_index (
    only_row boolean DEFAULT true NOT NULL,
    epoch bigint NOT NULL,
    source text NOT NULL,
    building bigint,
    building_until timestamp with time zone,
    redis_run_id text DEFAULT ''::text NOT NULL,
    redis_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT rank_index_only_row_check CHECK (only_row),
    CONSTRAINT rank_index_source_check CHECK ((source = ANY (ARRAY['redis'::text, 'postgres'::text])))
);

CREATE TABLE public.rejected_actions (
    id bigint NOT NULL,
    user_id text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    caller text NOT NULL,
    leaderboard text NOT NULL,
    action_id text NOT NULL,
    points bigint NOT NULL,
    attempts bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    noted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.rejected_actions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rejected_actions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.scores (
    leaderboard text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    username text NOT NULL,
    points bigint NOT NULL,
    version bigint NOT NULL,
    reached bigint NOT NULL,
    CONSTRAINT scores_points_check CHECK (((points >= 0) AND (points <= '9007199254740991'::bigint))),
    CONSTRAINT scores_reached_check CHECK (((reached >= 1) AND (reached <= '9007199254740991'::bigint))),
    CONSTRAINT scores_version_check CHECK (((version >= 1) AND (version <= '9007199254740991'::bigint)))
)
WITH (fillfactor='70');

CREATE TABLE public.truth_boards (
    leaderboard text NOT NULL COLLATE pg_catalog."C",
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    top jsonb NOT NULL
);

INSERT INTO public.actions VALUES (1001, 'global', 'ada', 'a1', 100, 100, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:11.262074+00');
INSERT INTO public.actions VALUES (2001, 'global', 'ada', 'a2', 250, 350, 2, '1IF68es-1hw', 'edge', '2026-11-30 04:40:13.298669+00');
INSERT INTO public.actions VALUES (3001, 'global', 'bob', 'b1', 300, 300, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:16.19403+00');
INSERT INTO public.actions VALUES (4001, 'global', 'cyd', 'c1', 200, 200, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:20.595138+00');
INSERT INTO public.actions VALUES (5001, 'global', 'dan', 'd1', 200, 200, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:22.631167+00');
INSERT INTO public.actions VALUES (6001, 'global', 'eve', 'e1', 900, 900, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:24.727394+00');
INSERT INTO public.actions VALUES (9001, 'arena', 'ada', 'a3', 40, 40, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:34.348485+00');
INSERT INTO public.actions VALUES (10001, 'arena', 'bob', 'hit_1', 60, 60, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:37.837621+00');
INSERT INTO public.actions VALUES (14001, 'arena', 'cyd', 'hit_2', 70, 70, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:41:00.058144+00');
INSERT INTO public.actions VALUES (7001, 'global', 'erased 5be1139f-3107-43d1-9c8b-eeaf7da3efe4', 'f1', 500, 500, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:29.637883+00');
INSERT INTO public.actions VALUES (8001, 'arena', 'erased 5be1139f-3107-43d1-9c8b-eeaf7da3efe4', 'f2', 7, 7, 1, '1IF68es-1hw', 'edge', '2026-11-30 04:40:32.480242+00');
INSERT INTO public.actions VALUES (16001, 'global', 'dan', 'd2', 0, 200, 2, '1IF68es-1hw', 'edge', '2026-11-30 04:41:14.972022+00');
INSERT INTO public.actions VALUES (17001, 'global', 'bob', 'b2', 50, 350, 2, '1IF68es-1hw', 'edge', '2026-11-30 04:41:35.143683+00');

INSERT INTO public.audit_batches VALUES (1000, 1);
INSERT INTO public.audit_batches VALUES (2000, 2);
INSERT INTO public.audit_batches VALUES (3000, 3);
INSERT INTO public.audit_batches VALUES (4000, 4);
INSERT INTO public.audit_batches VALUES (5000, 5);
INSERT INTO public.audit_batches VALUES (6000, 6);
INSERT INTO public.audit_batches VALUES (7000, 7);
INSERT INTO public.audit_batches VALUES (8000, 8);
INSERT INTO public.audit_batches VALUES (9000, 9);
INSERT INTO public.audit_batches VALUES (10000, 10);
INSERT INTO public.audit_batches VALUES (14000, 11);
INSERT INTO public.audit_batches VALUES (16000, 13);
INSERT INTO public.audit_batches VALUES (17000, 14);

INSERT INTO public.audit_links VALUES (1, 1, '\x5279e2acc5d18d294d80ecbbfe7b1d0cbbfa836c8bbe262f15148896f61c5c80', '\x', '\x248c38c21c206c8dd735aea4ae713b9dd5544faca9d4e0960f86a69e414f124c');
INSERT INTO public.audit_links VALUES (2, 1, '\xffef682ff5645b02c3a095c8df9dd6c4d935136e6a7b823eb54523d50369fd03', '\x', '\x03da722db96511d581f0cfed2e506340fff117fcd3e11a7825117d890c767d5b');
INSERT INTO public.audit_links VALUES (3, 1, '\x1fb2250ce5bda2eb548c1abf7aaf856f33f3ab5ff4c8991eda5bd43f636234c2', '\x', '\x285832cea5ba30a4fe4c47b802d0a86c5b9cbc60fbf555df588604fe6f768a1e');
INSERT INTO public.audit_links VALUES (4, 1, '\xcdfbc295a9ae4f08df1fa8171a364339e7920de0434b6c6dacaea1cc15ea2cc2', '\x', '\x1175b3706323f2a2ff3a0e795b849353161f0d89ba4776d672c10f5b66d7c9ab');
INSERT INTO public.audit_links VALUES (5, 1, '\x2bd91d72a0853e073d1be8941f865ca18da036d2fab6ffc6a6026fe88b0651dd', '\x', '\x97e3d0e6dcff17bb5604029b35e8bd1d0b27e3e94796f44c1b356216c5c1a4c3');
INSERT INTO public.audit_links VALUES (6, 1, '\xd57033fce594481468a804716267686347d8c35dc11b678484c13d9cb4546df2', '\x', '\x74835a889e6d2c511271f5ab4ce0647cf20168f8477cea8289c9e92f6974d2e0');
INSERT INTO public.audit_links VALUES (7, 1, '\xc3db5e035c38ec851d1eafd88e26c2db0c5c1780326928411399c9f5d8dc6759', '\x', '\x745c1e4bb6e16d803388373160df16539f00ebe88de5516e956ef67bfd8c051c');
INSERT INTO public.audit_links VALUES (8, 1, '\x2a7016d2356a853792a53770ec9254d3c027a4c6fbf4ac35d77cc9f06ad793d9', '\x', '\x344343f0c07e9a695186c23636a5c39185621729e6c8b58a2d81b1d7ebfdf2dd');
INSERT INTO public.audit_links VALUES (9, 1, '\x167e278edb50fd6a7b3655b711f14e207dea002832e6d8409c2eda05f43c0d62', '\x', '\x3048e4664a6da80205ae4862fea6170215efba65828627a77f9dd7de27fafb79');
INSERT INTO public.audit_links VALUES (10, 1, '\x9027e0c5f9ccdaf48f0bfec7a58fa72c37e576e08ecf117772032d6f703f81fb', '\x', '\xc5d8f2c7099d8dfe4818cfd9ff0e8512da71ae46ec1274eadd667421fcf9375d');
INSERT INTO public.audit_links VALUES (11, 1, '\xf7334d4653fb5bd53679eaece11605ff7ee42ba497ee74f5c3d7a4e8e67b744e', '\x', '\xab8bab430e131b0581ee1b75117589de62cb9113509615e6fe6f2de56446bbe4');
INSERT INTO public.audit_links VALUES (12, 0, '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', '\x47cf4e0321b65b59c441a47699da48eb64e1f125fa6da7c4aead002f535fed9e', '\x2376e9292e4d351a152850d8215e60c173ab4fbc2d5312f117c01e31e2996ca5');
INSERT INTO public.audit_links VALUES (13, 1, '\xb0740915d9bfc7e47abddab3592db6d86bcef73dfab9e4afc8ad798b55681245', '\x', '\xb74a8b81451db71bd4b59c440b039bd2fe44d4efef06ede1fb33f15d7ab04895');
INSERT INTO public.audit_links VALUES (14, 1, '\x9ae6ea4fead03dffb0f3e7b2b1577fa45a10927a9ade2e6f2a06fb01ab71abec', '\x', '\x44fbd621b642228b195d2f3c995034c68d5c61c6ab42dc9546bf49aa6afcc2a2');

INSERT INTO public.audit_subjects VALUES ('ada', '\x77ae02d5533144859051c4f8a205cf6e', '\x0efc1d0346cacf1864e6eade5887bcbcaadfa8596897cf25b05d38c15e792d20');
INSERT INTO public.audit_subjects VALUES ('bob', '\x3468e32b833d4992b352fb156cfe5600', '\xcebdfae34c1d83335e381f5e47c2eecc6924ede4be841ed7f6b7ef442f5d3ed5');
INSERT INTO public.audit_subjects VALUES ('cyd', '\x0a24e345cb1447a5abea0592d401d932', '\xef5853fb413d4aadb9ad017f90226bbf371ac917548f1c29c68a9f2c55deaa12');
INSERT INTO public.audit_subjects VALUES ('dan', '\x676c6c84994942d9af11590ca2e88710', '\xd29c5dae13c7214967168533d1cbfcb019027038c61402e43b043b808c7fea61');
INSERT INTO public.audit_subjects VALUES ('eve', '\x074982abf26142e794d2b761e59e71a5', '\x083306d299e3c9da3ff74884809d7811b35ddcbe0d81ebbe718fe9a0e962025d');
INSERT INTO public.audit_subjects VALUES ('erased 5be1139f-3107-43d1-9c8b-eeaf7da3efe4', NULL, '\x47cf4e0321b65b59c441a47699da48eb64e1f125fa6da7c4aead002f535fed9e');

INSERT INTO public.leaderboard_limits VALUES ('arena', '', 1000, NULL, NULL, NULL, NULL);
INSERT INTO public.leaderboard_limits VALUES ('arena', 'hit', 100, 60000, NULL, 10, NULL);

INSERT INTO public.limits_version VALUES (true, 7);

INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (13, '{global}', '{bob}', 'pending', 0, NULL, '2026-11-30 04:41:38.143683+00', '2026-11-30 04:41:35.143683+00');

INSERT INTO public.player_flags VALUES ('arena', 'gil', 'POINTS_OVER_CAP', 3, 'refused 3 times', '2026-11-30 04:40:52.75276+00', '2026-11-30 04:40:52.75276+00');

INSERT INTO public.player_windows VALUES ('arena', 'gil', '', NULL, 1000, 0, '{0,0,0,0,0,0,0,0,0,0,0}', '{0,0,0,0,0,0,0,0,0,0,0}');
INSERT INTO public.player_windows VALUES ('arena', 'cyd', '', 1796013660113, 1000, 1796013660, '{70,0,0,0,0,0,0,0,0,0,0}', '{1,0,0,0,0,0,0,0,0,0,0}');
INSERT INTO public.player_windows VALUES ('arena', 'cyd', 'hit', 1796013660113, 6000, 299335610, '{70,0,0,0,0,0,0,0,0,0,0}', '{1,0,0,0,0,0,0,0,0,0,0}');

INSERT INTO public.players VALUES ('ada', 'Ada L', '2026-11-30 04:40:10.147421+00', '2026-11-30 04:40:10.147421+00');
INSERT INTO public.players VALUES ('bob', 'Bob', '2026-11-30 04:40:14.452353+00', '2026-11-30 04:40:14.452353+00');
INSERT INTO public.players VALUES ('cyd', 'Cyd', '2026-11-30 04:40:18.963849+00', '2026-11-30 04:40:18.963849+00');
INSERT INTO public.players VALUES ('dan', 'dan', '2026-11-30 04:40:21.835601+00', '2026-11-30 04:40:21.835601+00');
INSERT INTO public.players VALUES ('eve', 'eve', '2026-11-30 04:40:23.636625+00', '2026-11-30 04:40:23.636625+00');
INSERT INTO public.players VALUES ('gil', 'gil', '2026-11-30 04:40:44.909839+00', '2026-11-30 04:40:44.909839+00');

INSERT INTO public.quarantined_players VALUES ('eve', '2026-11-30 04:41:01.10019+00');

INSERT INTO public.rank_index VALUES (true, 2, 'redis', NULL, '2026-11-30 04:40:13.448398+00', 'dec66be54abb3e93d265b74f4ad6f5b205d012f5', '2026-11-30 04:42:01.668473+00');

INSERT INTO public.rejected_actions OVERRIDING SYSTEM VALUE VALUES (1, 'gil', 'POINTS_OVER_CAP', 'edge', 'arena', 'hit_1', 500, 1, '2026-11-30 04:40:46.353+00', '2026-11-30 04:40:48.709771+00');
INSERT INTO public.rejected_actions OVERRIDING SYSTEM VALUE VALUES (2, 'gil', 'POINTS_OVER_CAP', 'edge', 'arena', 'hit_2', 500, 2, '2026-11-30 04:40:49.063+00', '2026-11-30 04:40:53.714553+00');
INSERT INTO public.rejected_actions OVERRIDING SYSTEM VALUE VALUES (3, 'gil', 'SIGNATURE_INVALID', 'edge', 'global', 'g1', 99, 1, '2026-11-30 04:40:57.33+00', '2026-11-30 04:40:58.716624+00');
INSERT INTO public.rejected_actions OVERRIDING SYSTEM VALUE VALUES (4, 'eve', 'PLAYER_QUARANTINED', 'edge', 'global', 'e2', 1, 1, '2026-11-30 04:41:03.658+00', '2026-11-30 04:41:03.718036+00');

INSERT INTO public.schema_migrations VALUES ('0001_initial.sql', '2026-11-30 04:40:04.211247+00');
INSERT INTO public.schema_migrations VALUES ('0003_audit_chain.sql', '2026-11-30 04:40:04.328577+00');
INSERT INTO public.schema_migrations VALUES ('0004_limits.sql', '2026-11-30 04:40:04.428247+00');
INSERT INTO public.schema_migrations VALUES ('0005_sealing.sql', '2026-11-30 04:40:04.543555+00');

INSERT INTO public.scores VALUES ('global', 'ada', 'Ada L', 350, 2, 2001);
INSERT INTO public.scores VALUES ('global', 'cyd', 'Cyd', 200, 1, 4001);
INSERT INTO public.scores VALUES ('global', 'eve', 'eve', 900, 1, 6001);
INSERT INTO public.scores VALUES ('arena', 'ada', 'Ada L', 40, 1, 9001);
INSERT INTO public.scores VALUES ('arena', 'bob', 'Bob', 60, 1, 10001);
INSERT INTO public.scores VALUES ('arena', 'cyd', 'Cyd', 70, 1, 14001);
INSERT INTO public.scores VALUES ('global', 'dan', 'dan', 200, 2, 5001);
INSERT INTO public.scores VALUES ('global', 'bob', 'Bob', 350, 2, 17001);

SELECT pg_catalog.setval('public.action_positions', 17000, true);

SELECT pg_catalog.setval('public.outbox_id_seq', 13, true);

SELECT pg_catalog.setval('public.rejected_actions_id_seq', 4, true);

ALTER TABLE ONLY public.actions
    ADD CONSTRAINT actions_pkey PRIMARY KEY (user_id, action_id);

ALTER TABLE ONLY public.audit_batches
    ADD CONSTRAINT audit_batches_pkey PRIMARY KEY (batch);

ALTER TABLE ONLY public.audit_links
    ADD CONSTRAINT audit_links_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY public.audit_subjects
    ADD CONSTRAINT audit_subjects_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.leaderboard_limits
    ADD CONSTRAINT leaderboard_limits_pkey PRIMARY KEY (leaderboard, kind);

ALTER TABLE ONLY public.limits_version
    ADD CONSTRAINT limits_version_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.player_flags
    ADD CONSTRAINT player_flags_pkey PRIMARY KEY (leaderboard, user_id, reason);

ALTER TABLE ONLY public.player_windows
    ADD CONSTRAINT player_windows_pkey PRIMARY KEY (leaderboard, user_id, kind);

ALTER TABLE ONLY public.players
    ADD CONSTRAINT players_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.quarantined_players
    ADD CONSTRAINT quarantined_players_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.rank_index
    ADD CONSTRAINT rank_index_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.rejected_actions
    ADD CONSTRAINT rejected_actions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.scores
    ADD CONSTRAINT scores_pkey PRIMARY KEY (leaderboard, user_id);

ALTER TABLE ONLY public.truth_boards
    ADD CONSTRAINT truth_boards_pkey PRIMARY KEY (leaderboard);

CREATE INDEX actions_position ON public.actions USING btree ("position");

CREATE INDEX audit_batches_by_link ON public.audit_batches USING btree (seq, batch);

CREATE INDEX outbox_due ON public.outbox USING btree (next_attempt_at) WHERE (state = 'pending'::text);

CREATE INDEX rejected_actions_of_player ON public.rejected_actions USING btree (user_id, id);

CREATE TRIGGER actions_append_only BEFORE DELETE OR TRUNCATE ON public.actions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER actions_note_batch AFTER INSERT ON public.actions FOR EACH STATEMENT EXECUTE FUNCTION public.note_batch();

CREATE TRIGGER actions_only_erasure BEFORE UPDATE ON public.actions FOR EACH ROW EXECUTE FUNCTION public.refuse_all_but_erasure();

CREATE TRIGGER audit_links_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_links FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER audit_subjects_forget_player AFTER UPDATE ON public.audit_subjects FOR EACH ROW WHEN (((new.salt IS NULL) AND (old.salt IS NOT NULL))) EXECUTE FUNCTION public.forget_erased_player();

CREATE TRIGGER limits_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.leaderboard_limits FOR EACH STATEMENT EXECUTE FUNCTION public.count_limits_change();

CREATE TRIGGER quarantine_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.quarantined_players FOR EACH STATEMENT EXECUTE FUNCTION public.count_limits_change();
