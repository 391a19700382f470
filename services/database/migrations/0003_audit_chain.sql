-- The audit log as a chain. Every link names, by count and digest, the actions of some committed batches, and its head is a
-- MAC over them and the head before, made with a key that the database never sees. What a link says of a player is a
-- commitment, so that a player can be erased without breaking the chain.

-- Reads a batch's actions in order. New entries always go to its right end.
create index actions_position on actions (position);

-- One row a batch, written by the transaction that writes the batch's actions, so none can be forgotten. The actions of a
-- batch stand at the 999 positions behind its own. Positions commit in any order, so "not sealed yet" is a state, never a cursor.
create table audit_batches (
  batch bigint primary key,
  -- The link that seals it; null until then.
  seq   bigint
);

create index audit_batches_by_link on audit_batches (seq, batch);

-- The position that the statement took for its batch; looking at its rows instead would cost for each of them.
create function note_batch() returns trigger language plpgsql as $$
begin
  insert into audit_batches (batch) values (currval('action_positions')) on conflict do nothing;
  return null;
end
$$;

create trigger actions_note_batch after insert on actions for each statement execute function note_batch();

insert into audit_batches (batch) select distinct position / 1000 * 1000 from actions;

create table audit_links (
  seq     bigint primary key check (seq > 0),
  -- How many actions it seals, and the SHA-256 of their canonical form in the order of positions.
  actions bigint not null,
  digest  bytea  not null,
  -- The commitment of a player who was erased; empty in a link that seals actions.
  erased  bytea  not null,
  head    bytea  not null
);

create trigger audit_links_append_only before update or delete or truncate on audit_links
  for each statement execute function refuse_change();

-- What stands for a player in the chain: SHA-256 of salt and user id. Without the salt nobody can tell whose it was.
create table audit_subjects (
  user_id    text collate "C" primary key,
  -- Null once the player is erased; user_id is a pseudonym then.
  salt       bytea,
  commitment bytea not null
);

-- The one change that the log allows: a user id gives way to the pseudonym of an erased player.
drop trigger actions_append_only on actions;

create trigger actions_append_only before delete or truncate on actions
  for each statement execute function refuse_change();

create function refuse_all_but_erasure() returns trigger language plpgsql as $$
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

create trigger actions_only_erasure before update on actions
  for each row execute function refuse_all_but_erasure();

-- The limit changes nothing but the plan: without it the range is thought to hold a ninth of the log, and the log is scanned.
create function actions_of_batch(batch bigint) returns setof actions language sql stable as $$
  select a.* from actions a where a.position between batch + 1 and batch + 999 order by a.position limit 999
$$;

-- A field of the canonical form: its length in bytes, a colon, the field. Whatever it holds, it has one reading. Not strict,
-- and immutable in each part, so that it is expanded where it stands: a call would cost several times the work.
create function audit_field(field text) returns text language sql immutable parallel safe
  return octet_length(field)::text || ':' || field;

-- The next batches to seal, with the count and digest of their actions. No row when everything is sealed, or while somebody
-- else is sealing or erasing: both read who stands behind an action and write it. Players who are new to the chain get
-- their salt.
create function audit_candidates(max_batches int)
  returns table (batches bigint[], actions bigint, digest bytea) language plpgsql as $$
begin
  if not pg_try_advisory_xact_lock(hashtext('audit_chain')) then
    return;
  end if;
  batches := array(select b.batch from audit_batches b where b.seq is null order by b.batch limit max_batches);
  if cardinality(batches) = 0 then
    return;
  end if;
  insert into audit_subjects (user_id, salt, commitment)
  select n.user_id, n.salt, sha256(n.salt || convert_to(n.user_id, 'UTF8'))
  from (select f.user_id, uuid_send(gen_random_uuid()) as salt
        from (select distinct a.user_id
              from unnest(batches) as b (batch) cross join actions_of_batch(b.batch) a
              where not exists (select from audit_subjects s where s.user_id = a.user_id)) f) n;
  select count(*), sha256(convert_to(coalesce(string_agg(
           audit_field(a.position::text) || audit_field(a.leaderboard) || audit_field(encode(s.commitment, 'hex'))
           || audit_field(a.action_id) || audit_field(a.points::text) || audit_field(a.score_after::text)
           || audit_field(a.version::text) || audit_field(a.key_id) || audit_field(a.caller)
           || audit_field((extract(epoch from a.accepted_at) * 1000000)::bigint::text),
           '' order by a.position), ''), 'UTF8'))
    into actions, digest
    from unnest(batches) as b (batch)
    cross join actions_of_batch(b.batch) a
    join audit_subjects s on s.user_id = a.user_id;
  return next;
end
$$;

-- Attempts that were refused, gathered: one row for a player and a reason in a stretch of time, with the first of them.
create table rejected_actions (
  id          bigint generated always as identity primary key,
  user_id     text collate "C" not null,
  reason      text   not null,
  caller      text   not null,
  leaderboard text   not null,
  action_id   text   not null,
  points      bigint not null,
  attempts    bigint not null,
  first_at    timestamptz not null,
  noted_at    timestamptz not null default now()
);

create index rejected_actions_of_player on rejected_actions (user_id, id);

-- The two steps of an erasure run with the rights of the schema's owner: whoever may call them needs none to change the log or to
-- remove a player, so nothing is taken out without the link that says so.

-- Whether anything here knows the player, and what stands for the player in the chain.
create function erasure_subject(player text) returns bytea language plpgsql security definer as $$
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

-- Takes a player out of everything here, with the link that says so, and answers the boards that the player was on. The
-- actions stay, under a pseudonym that no player can have, since a user id holds no space.
create function erase_player(player text, stands_for bytea, link_seq bigint, link_head bytea)
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

-- What they name stands in this schema, whatever the caller has put before it.
do $$
begin
  execute format('alter function erasure_subject(text) set search_path = %I, pg_temp', current_schema());
  execute format(
    'alter function erase_player(text, bytea, bigint, bytea) set search_path = %I, pg_temp', current_schema());
end
$$;
