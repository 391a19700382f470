-- Sealing costs the same however long the log is and however many players it knows.

-- Where nothing waits for long can be left out: what was sealed leaves dead entries behind, which a search for the first that is
-- not sealed would pass one by one until the table is vacuumed. And each action's player is looked up on its own: the planner
-- would read all players for each link.
drop function audit_candidates(int);

-- The next batches to seal from the given one on, with the count and digest of their actions. No row when all of these are
-- sealed, or while somebody else is sealing or erasing: both read who stands behind an action and write it. Players who are new
-- to the chain get their salt.
create function audit_candidates(max_batches int, from_batch bigint default -9223372036854775808)
  returns table (batches bigint[], actions bigint, digest bytea) language plpgsql as $$
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
