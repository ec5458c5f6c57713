-- Durable consumers: handlers that are given every event of the log in order, and whose checkpoint moves in the
-- transaction of what they write.
create table commitcast.consumer (
  name commitcast.identifier primary key,
  partitions int not null check (partitions between 1 and 64),
  -- For those who look; what counts is what the running code says.
  scope jsonb,
  types text[],
  paused boolean not null default false,
  -- Whether it can take back what it has written, and shall.
  rebuildable boolean not null,
  rebuild boolean not null default false,
  created_at timestamptz not null default clock_timestamp()
);
--> statement-breakpoint

-- Everything up to `position` has been handled, or is parked. Whoever moves it shows the `generation` of its claim: it
-- counts up whenever somebody else takes the partition, or the operator moves the position; so a worker that was frozen
-- for a while cannot commit what it held in its hands.
create table commitcast.consumer_partition (
  name text not null references commitcast.consumer on delete cascade,
  partition int not null,
  position bigint not null,
  generation bigint not null default 0,
  -- Attempts at the next event that have begun, and not succeeded.
  attempts int not null default 0,
  error text,
  -- Its last worker died: perhaps by the event that it was handling.
  suspect boolean not null default false,
  -- Stands still until somebody resumes it.
  failed boolean not null default false,
  moved_at timestamptz not null default clock_timestamp(),
  primary key (name, partition)
) with (fillfactor = 50);
--> statement-breakpoint

-- Who works on a partition; apart from the checkpoint, so that a heartbeat never meets a handler's transaction.
create table commitcast.consumer_lease (
  name text not null,
  partition int not null,
  worker text,
  expires_at timestamptz,
  primary key (name, partition),
  foreign key (name, partition) references commitcast.consumer_partition on delete cascade
) with (fillfactor = 50);
--> statement-breakpoint
-- Who could work: partitions are shared out among those who were seen of late.
create table commitcast.consumer_worker (
  name text not null references commitcast.consumer on delete cascade,
  worker text not null,
  seen_at timestamptz not null,
  primary key (name, worker)
) with (fillfactor = 50);
--> statement-breakpoint

-- Events that could not be handled, and in the same lane (an org, or a stream of it) all that came after them. They are
-- in the log; this says which.
create table commitcast.parked (
  name text not null,
  partition int not null,
  position bigint not null,
  org_id commitcast.identifier not null,
  lane text not null,
  -- Null: nothing is wrong with it, it waits behind one that is.
  error text,
  attempts int not null default 0,
  parked_at timestamptz not null default clock_timestamp(),
  -- What the operator wants: the worker does it.
  asked text check (asked in ('retry', 'drop')),
  primary key (name, position),
  foreign key (name, partition) references commitcast.consumer_partition on delete cascade
);
--> statement-breakpoint
create index parked_lane on commitcast.parked (name, partition, lane, position);
--> statement-breakpoint
create index parked_asked on commitcast.parked (name, partition) where asked is not null;
--> statement-breakpoint

-- A worker shows that it lives, keeps the partitions that it has, and takes those that nobody has, up to its share.
-- Returns what it has now; the last ones beyond `share` it should let go.
create function commitcast.keep_consumer(of_name text, of_worker text, lease interval)
returns table (
  partition int, "position" bigint, generation bigint, attempts int, suspect boolean, failed boolean, error text,
  paused boolean, rebuild boolean, asked boolean, share int
)
language plpgsql set search_path = commitcast, pg_temp as $$
#variable_conflict use_column
declare
  seen timestamptz := clock_timestamp();
  fair int;
  even int;
  mine int;
  free record;
begin
  -- Losing a heartbeat in a crash of the server costs nothing.
  perform set_config('synchronous_commit', 'off', true);
  insert into commitcast.consumer_worker (name, worker, seen_at) values (of_name, of_worker, seen)
  on conflict (name, worker) do update set seen_at = seen;
  delete from commitcast.consumer_worker w
  where w.ctid = any(array(
    select ctid from commitcast.consumer_worker where name = of_name and seen_at < seen - lease for update skip locked
  ));
  select ceil(c.partitions::numeric / workers), floor(c.partitions::numeric / workers)
  into fair, even from commitcast.consumer c,
    (select count(*) as workers from commitcast.consumer_worker w where w.name = of_name) seen_of_late
  where c.name = of_name;

  update commitcast.consumer_lease l set expires_at = seen + lease where l.name = of_name and l.worker = of_worker;
  get diagnostics mine = row_count;
  -- One whose transaction is about to commit is left to it.
  for free in
    select p.partition, l.worker is not null as died
    from commitcast.consumer_lease l join commitcast.consumer_partition p using (name, partition)
    where l.name = of_name and (l.worker is null or l.expires_at < seen)
    order by p.partition limit greatest(fair - mine, 0)
    for update skip locked
  loop
    update commitcast.consumer_lease l set worker = of_worker, expires_at = seen + lease
    where l.name = of_name and l.partition = free.partition;
    update commitcast.consumer_partition p set generation = p.generation + 1, suspect = p.suspect or free.died
    where p.name = of_name and p.partition = free.partition;
  end loop;

  -- Where it does not divide, some have one more; but not while there is somebody with less than all could have.
  if not exists (
      select from commitcast.consumer_lease l where l.name = of_name and (l.worker is null or l.expires_at < seen)
    ) and exists (
      select from commitcast.consumer_worker w
      where w.name = of_name and (
        select count(*) from commitcast.consumer_lease l where l.name = of_name and l.worker = w.worker
      ) < even
    )
  then
    fair := even;
  end if;

  return query
  select p.partition, p.position, p.generation, p.attempts, p.suspect, p.failed, p.error, c.paused, c.rebuild,
    exists (
      select from commitcast.parked k where k.name = of_name and k.partition = p.partition and k.asked is not null
    ), fair
  from commitcast.consumer c
    join commitcast.consumer_partition p using (name)
    join commitcast.consumer_lease l using (name, partition)
  where c.name = of_name and l.worker = of_worker
  order by p.partition;
end
$$;
--> statement-breakpoint

-- For operators. The handler's next transaction begins there; one that is under way is rolled back. What is parked
-- beyond it will be handled again.
create function commitcast.rewind_consumer(of_name text, to_position bigint) returns void
language plpgsql set search_path = commitcast, pg_temp as $$
begin
  if not exists (select from commitcast.consumer where name = of_name) then
    perform commitcast.refuse('CC009', format('CONSUMER_UNKNOWN: there is no consumer %s', quote_literal(left(of_name, 80))));
  end if;
  update commitcast.consumer_partition
  set position = to_position, generation = generation + 1, attempts = 0, error = null, suspect = false, failed = false,
    moved_at = clock_timestamp()
  where name = of_name;
  delete from commitcast.parked where name = of_name and position > to_position;
end
$$;
--> statement-breakpoint

revoke all on function commitcast.keep_consumer(text, text, interval), commitcast.rewind_consumer(text, bigint) from public;
--> statement-breakpoint
do $$
declare
  role text;
begin
  begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'commitcast_consumer') then
      create role commitcast_consumer nologin;
    end if;
  exception
    when duplicate_object or unique_violation then null;
    when insufficient_privilege then
      raise warning 'commitcast: role commitcast_consumer was not created: the migrating role lacks CREATEROLE';
  end;
  -- Whose transactions the handlers run in; and instances, which keep the leases.
  foreach role in array array['commitcast_consumer', 'commitcast_relay'] loop
    if exists (select from pg_catalog.pg_roles where rolname = role) then
      execute format('grant usage on schema commitcast to %I', role);
      if to_regclass('commitcast.migration') is not null then
        execute format('grant select on commitcast.migration to %I', role);
      end if;
      execute format('grant select on commitcast.log, commitcast.relay, commitcast.epoch to %I', role);
      execute format('grant select, insert, update, delete on commitcast.consumer, commitcast.consumer_partition,
        commitcast.consumer_lease, commitcast.consumer_worker, commitcast.parked to %I', role);
      execute format('grant execute on function commitcast.keep_consumer(text, text, interval),
        commitcast.rewind_consumer(text, bigint) to %I', role);
    end if;
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_reader') then
    grant select on commitcast.consumer, commitcast.consumer_partition, commitcast.consumer_lease, commitcast.parked
      to commitcast_reader;
  end if;
end
$$;
