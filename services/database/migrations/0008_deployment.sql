-- Which deployment this database is of. The stream in NATS and the rank index in Redis carry the id, so that no deployment takes
-- those of another for its own. It goes with the data: a restored database is the same deployment.
create table deployment (
  only_row   boolean     primary key default true check (only_row),
  id         uuid        not null default gen_random_uuid(),
  -- NAMESPACE of its processes; null until they have used one.
  namespace  text,
  created_at timestamptz not null default now()
);

insert into deployment default values;
