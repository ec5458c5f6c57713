-- Streams: the events of one thing carry its name, and a version, dense from 1, per org and stream.
--
-- The version is given when the event is inserted, under the lock of the stream's row, and the lock is held until the
-- transaction ends. So two writers on one stream wait for each other, its versions are in the order of its positions,
-- and a rollback leaves no hole. Events without a stream take no lock.
alter table commitcast.stream add column erasures int not null default 0;
--> statement-breakpoint
-- Every event of a stream updates its row: there shall be room for the next version of it on the same page.
alter table commitcast.stream set (fillfactor = 50);
--> statement-breakpoint
-- Only `commitcast.append` sets it: it has taken versions for all events of a call at once.
alter table commitcast.outbox add column versioned boolean not null default false;
--> statement-breakpoint
-- A time that no clock shows has no form on the wire.
alter table commitcast.outbox add constraint outbox_time check (
  case
    when created_at >= '0001-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00' then true
    else commitcast.refuse('CC001', 'EVENT_INVALID: created_at is a time of the years 1 to 9999')
  end
) not valid;
--> statement-breakpoint
create index log_stream on commitcast.log (org_id, stream, version) where stream is not null;
--> statement-breakpoint
-- Writers gave versions freely before, or none: what streams there are is numbered by its order.
alter table commitcast.log disable trigger append_only;
--> statement-breakpoint
update commitcast.log l set version = numbered.version
from (
  select position, row_number() over (partition by org_id, stream order by position) as version
  from commitcast.log where stream is not null
) numbered
where l.position = numbered.position;
--> statement-breakpoint
alter table commitcast.log enable always trigger append_only;
--> statement-breakpoint
insert into commitcast.stream (org_id, stream, version)
select org_id, stream, max(version) from commitcast.log where stream is not null group by 1, 2
on conflict (org_id, stream) do update set version = excluded.version;
--> statement-breakpoint

-- Takes the next `wanted` versions; returns the version that the stream had before. Called by the owner's functions only.
create function commitcast.take_versions(of_org text, of_stream text, wanted bigint, expected bigint) returns bigint
language plpgsql as $$
declare
  before bigint;
begin
  -- The guard of the outbox comes later, and an index has no room for names without end.
  if length(of_stream) not between 1 and 255 then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: stream has 1 to 255 characters, none of them a control character');
  end if;
  insert into commitcast.stream as existing (org_id, stream, version) values (of_org, of_stream, wanted)
  on conflict (org_id, stream) do update set version = existing.version + wanted
    where expected is null or existing.version = expected
  returning existing.version - wanted into before;
  if before is null then
    select version into before from commitcast.stream where org_id = of_org and stream = of_stream;
  end if;
  if before <> expected then
    raise exception using errcode = 'CC007',
      message = format('VERSION_CONFLICT: stream %s of %s is at version %s, not at %s',
        quote_literal(left(of_stream, 80)), of_org, before, expected),
      detail = jsonb_build_object('org', of_org, 'stream', of_stream, 'expected', expected, 'actual', before)::text;
  end if;
  return before;
end
$$;
--> statement-breakpoint

-- A plain insert. With a `version` it says which one the event shall have, and is refused when it is not the next.
create function commitcast.give_version() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  if new.stream is null then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: a version is that of a stream');
  elsif new.version < 1 then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: version starts at 1');
  end if;
  new.version := commitcast.take_versions(new.org_id, new.stream, 1, new.version - 1) + 1;
  return new;
end
$$;
--> statement-breakpoint
-- A row of another transaction (a restored dump) is never published.
create trigger give_version before insert on commitcast.outbox
for each row when (
  (new.stream is not null or new.version is not null) and not new.versioned and new.tx = pg_current_xact_id()
)
execute function commitcast.give_version();
--> statement-breakpoint
alter table commitcast.outbox enable always trigger give_version;
--> statement-breakpoint
create function commitcast.keep_version() returns trigger
language plpgsql as $$
begin
  perform commitcast.refuse('CC005', 'LOG_APPEND_ONLY: an event of a stream cannot be taken back, for its version is given; roll back');
  return null;
end
$$;
--> statement-breakpoint
create trigger keep_version before delete on commitcast.outbox
for each row when (old.version is not null and old.tx = pg_current_xact_id())
execute function commitcast.keep_version();
--> statement-breakpoint
alter table commitcast.outbox enable always trigger keep_version;
--> statement-breakpoint

-- Appends that were given a key: what they appended, for the caller who comes again and does not know whether they did.
create table commitcast.append_key (
  org_id commitcast.identifier not null,
  key text not null check (length(key) between 1 and 255),
  -- A large append comes in several statements.
  chunk int not null,
  digest text not null,
  ids uuid[],
  versions bigint[],
  at timestamptz not null default clock_timestamp(),
  primary key (org_id, key, chunk)
);
--> statement-breakpoint
create index append_key_at on commitcast.append_key (at);
--> statement-breakpoint

-- Locks streams, [{ "org", "stream" }], until the transaction ends, in one order: for calls of several statements, and for
-- transactions of several calls, which could wait for each other in a circle.
create function commitcast.lock_streams(streams jsonb) returns void
language sql security definer set search_path = commitcast, pg_temp as $$
  insert into commitcast.stream as existing (org_id, stream, version)
  select distinct e->>'org', e->>'stream', 0 from jsonb_array_elements(streams) e
  where case
    when length(e->>'stream') between 1 and 255 and e->>'stream' !~ '[[:cntrl:]]' then true
    else commitcast.refuse('CC001', 'EVENT_INVALID: stream has 1 to 255 characters, none of them a control character')
  end
  order by 1, 2
  on conflict (org_id, stream) do update set version = existing.version where false
$$;
--> statement-breakpoint

-- Appends events in the form of the wire: [{ "org", "type", "data", "site", "unit", "id", "meta", "stream",
-- "expectedVersion" }]. `expectedVersion` is that of the stream before this call, said by one of its events or by all: a
-- number, "none" (the stream is new), or "any". Streams are locked in one order, so that two calls never deadlock. A large
-- append comes in `chunks` statements, this one being the `chunk`-th, from 0.
--
-- It reads no table: what it knows of streams and of its key it has from its own writes. A serializable transaction that
-- read them would be refused because of others that append to other streams.
create function commitcast.append(events jsonb, key text default null, chunk int default 0, chunks int default 1)
returns table (id uuid, version bigint)
language plpgsql security definer set search_path = commitcast, pg_temp as $$
#variable_conflict use_column
declare
  stream_of record;
  orgs text[];
  names text[];
  versions_before bigint[];
  key_org text;
  key_digest text;
  key_row tid;
  known commitcast.append_key%rowtype;
begin
  if key is not null then
    if length(key) not between 1 and 255 or key ~ '[[:cntrl:]]' then
      perform commitcast.refuse('CC001', 'EVENT_INVALID: key has 1 to 255 characters, none of them a control character');
    end if;
    select min(e->>'org'), md5(jsonb_build_array(chunks, jsonb_agg(e - 'expectedVersion' order by n))::text)
    into key_org, key_digest
    from jsonb_array_elements(events) with ordinality as element (e, n)
    having count(distinct e->>'org') = 1;
    if not found then
      perform commitcast.refuse('CC001', 'EVENT_INVALID: events with a key are all of one org');
    end if;
    -- A known one is locked, so that nobody forgets it meanwhile.
    insert into commitcast.append_key as known_key (org_id, key, chunk, digest)
    values (key_org, append.key, append.chunk, key_digest)
    on conflict (org_id, key, chunk) do update set digest = known_key.digest where false
    returning ctid into key_row;
    if not found then
      select * into known from commitcast.append_key k
      where k.org_id = key_org and k.key = append.key and k.chunk = append.chunk;
      if known.digest <> key_digest then
        perform commitcast.refuse('CC008', format('KEY_REUSED: the key %s was used before, for other events',
          quote_literal(left(append.key, 80))));
      end if;
      return query select * from unnest(known.ids, known.versions);
      return;
    end if;
  end if;

  for stream_of in
    select e->>'org' as org, e->>'stream' as name, count(*) as events,
      count(distinct e->>'expectedVersion') as opinions,
      min(case e->>'expectedVersion' when 'any' then null when 'none' then 0 else (e->>'expectedVersion')::bigint end) as expected
    from jsonb_array_elements(events) e
    group by 1, 2 order by 1, 2
  loop
    if stream_of.name is null then
      if stream_of.opinions > 0 then
        perform commitcast.refuse('CC001', 'EVENT_INVALID: expectedVersion is that of a stream');
      end if;
      continue;
    elsif stream_of.opinions > 1 then
      perform commitcast.refuse('CC001', 'EVENT_INVALID: the events of one stream in one call expect different versions; expected is that before the call');
    end if;
    versions_before := versions_before
      || commitcast.take_versions(stream_of.org, stream_of.name, stream_of.events, stream_of.expected);
    orgs := orgs || stream_of.org;
    names := names || stream_of.name;
  end loop;

  with inserted as (
    insert into commitcast.outbox (id, org_id, site_id, unit_id, type, data, stream, version, versioned, meta)
    select coalesce((e->>'id')::uuid, gen_random_uuid()), e->>'org', e->>'site', e->>'unit', e->>'type', e->'data', e->>'stream',
      s.version_before + row_number() over (partition by s.org, s.name order by n),
      true, e->'meta'
    from jsonb_array_elements(events) with ordinality as element (e, n)
      left join unnest(orgs, names, versions_before) as s (org, name, version_before)
        on s.org = e->>'org' and s.name = e->>'stream'
    order by n
    returning id, version
  )
  select array_agg(id), array_agg(version) into known.ids, known.versions from inserted;
  if key is not null then
    update commitcast.append_key set ids = known.ids, versions = known.versions where ctid = key_row;
  end if;
  return query select * from unnest(known.ids, known.versions);
end
$$;
--> statement-breakpoint

-- Messages that were handled: for handlers whose effects are elsewhere.
create table commitcast.inbox (
  key text primary key check (length(key) between 1 and 255),
  at timestamptz not null default clock_timestamp()
);
--> statement-breakpoint
create index inbox_at on commitcast.inbox (at);
--> statement-breakpoint
-- True for the first transaction that commits it, false for all others; one that is in the middle of it is waited for.
create function commitcast.once(key text) returns boolean
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  insert into commitcast.inbox (key) values ($1) on conflict do nothing;
  return found;
end
$$;
--> statement-breakpoint
-- Returns how many it removed; at most 10,000 of each at once.
create function commitcast.forget_keys(older_than interval) returns bigint
language sql security definer set search_path = commitcast, pg_temp as $$
  with forgotten_keys as (
    delete from commitcast.append_key where (org_id, key, chunk) in (
      select org_id, key, chunk from commitcast.append_key
      where at < clock_timestamp() - $1 order by at limit 10000 for update skip locked
    ) returning 1
  ), forgotten_messages as (
    delete from commitcast.inbox where key in (
      select key from commitcast.inbox where at < clock_timestamp() - $1 order by at limit 10000 for update skip locked
    ) returning 1
  )
  select (select count(*) from forgotten_keys) + (select count(*) from forgotten_messages)
$$;
--> statement-breakpoint

-- States that were folded from a stream: a cache, never the truth. `erasures` of the stream tells whether the events
-- that it was folded from are still what they were.
create table commitcast.state (
  org_id commitcast.identifier not null,
  stream text not null,
  name text not null check (length(name) between 1 and 255),
  version bigint not null,
  state jsonb not null,
  at timestamptz not null default clock_timestamp(),
  primary key (org_id, stream, name)
);
--> statement-breakpoint
-- Granted to nobody: who may call it says what states are, without an event. Keeps the newest. False when it is not worth to wait for the stream's lock, or when something was erased meanwhile.
create function commitcast.save_state(org_id text, stream text, name text, version bigint, erasures int, state jsonb)
returns boolean
language plpgsql security definer set search_path = commitcast, pg_temp as $$
#variable_conflict use_column
begin
  -- Locked, so that an erasure comes either before, and is seen here, or after, and sees what is saved here.
  perform from commitcast.stream s
  where s.org_id = $1 and s.stream = $2 and s.erasures = $5 and s.version >= $4
  for share skip locked;
  if not found then
    return false;
  end if;
  insert into commitcast.state as known (org_id, stream, name, version, state) values ($1, $2, $3, $4, $6)
  on conflict (org_id, stream, name) do update set version = $4, state = $6, at = clock_timestamp()
    where known.version < $4;
  return found;
end
$$;
--> statement-breakpoint

revoke all on function commitcast.take_versions(text, text, bigint, bigint), commitcast.give_version(),
  commitcast.keep_version(), commitcast.lock_streams(jsonb), commitcast.append(jsonb, text, int, int), commitcast.once(text), commitcast.forget_keys(interval),
  commitcast.save_state(text, text, text, bigint, int, jsonb) from public;
--> statement-breakpoint
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_writer') then
    -- For `returning id, version`.
    grant select (version) on commitcast.outbox to commitcast_writer;
    grant execute on function commitcast.lock_streams(jsonb), commitcast.append(jsonb, text, int, int), commitcast.once(text)
      to commitcast_writer;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_reader') then
    grant select on commitcast.state to commitcast_reader;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_relay') then
    grant execute on function commitcast.forget_keys(interval) to commitcast_relay;
  end if;
end
$$;
--> statement-breakpoint

-- As in 0007_partitions_beside_reindex.sql, but whoever holds a partition does not make a commit fail, either.
create or replace function commitcast.make_partitions() returns int
language plpgsql security definer set search_path = commitcast, pg_temp set lock_timeout = '200ms' as $$
declare
  made int := 0;
  head bigint;
  ending bigint;
  size bigint;
  name text;
begin
  if not pg_try_advisory_xact_lock(1668246893, 5) then
    return 0;
  end if;
  begin
    select last_value into head from commitcast.position;
    select coalesce(max(to_position), 1) into ending from commitcast.partition;
    size := commitcast.partition_size();
  exception when lock_not_available then
    -- Reading the log and, from Postgres 17 on, the bounds of its partitions, waits for whoever holds them: a commit that
    -- comes by must not fail for it.
    return 0;
  end;
  while ending < head + 2 * size loop
    name := 'log_' || ending;
    begin
      execute format('create table commitcast.%I (like commitcast.log including all, check (position >= %s and position < %s))',
        name, ending, ending + size);
      execute format('create trigger append_only before update or delete or truncate on commitcast.%I
        for each statement execute function commitcast.refuse_change()', name);
      execute format('alter table commitcast.%I enable always trigger append_only', name);
      execute format('alter table commitcast.log attach partition commitcast.%I for values from (%s) to (%s)',
        name, ending, ending + size);
    exception when lock_not_available or duplicate_table then
      -- duplicate_table: a REPEATABLE READ transaction does not see what was made since it began.
      return made;
    end;
    made := made + 1;
    ending := ending + size;
  end loop;
  return made;
end
$$;
