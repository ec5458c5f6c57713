-- The same two passes, for less of the writer's time. What a profile of single-event transactions showed:
--   - a CHECK, the WHEN of a trigger and a generated column are read from their text and planned anew for each statement;
--     a function in plpgsql is planned once a session. So the guard is a trigger, and `room` is written by pass 2;
--   - pass 2 looked the row up in the outbox; now pass 1 hands on the row itself;
--   - an expression of plpgsql is set up once a transaction: the usual case is told by one of them.

-- Whoever migrates may have a path of his own, too.
select set_config('search_path', 'pg_catalog', true);
--> statement-breakpoint

-- Nothing that the triggers rest on may be found by a writer's search path. Theirs is not set, for that costs as much as
-- their work: their bodies name the schema of what they call, and what needs operators is in functions that are bound
-- when they are made (`return`), and planned into the expression that calls them.

create function commitcast.is_this_transaction(tx xid8) returns boolean
language sql volatile return tx = pg_current_xact_id();
--> statement-breakpoint
create function commitcast.is_text(value text) returns boolean
language sql immutable return length(value) between 1 and 255 and value !~ '[[:cntrl:]]';
--> statement-breakpoint
-- A short value cannot be deep.
create function commitcast.is_json(value jsonb, bytes int) returns boolean
language sql immutable return octet_length(value::text) <= 512
  or (octet_length(value::text) <= bytes and not jsonb_path_exists(value, '$.**{256 to last}'));
--> statement-breakpoint
-- Counts the transaction's events in a transaction-local setting: a rollback to a savepoint takes the count back too.
create function commitcast.is_within_limit() returns boolean
language sql volatile return
  set_config('commitcast.events', (coalesce(nullif(current_setting('commitcast.events', true), ''), '0')::int + 1)::text, true)::int
    <= coalesce(nullif(current_setting('commitcast.max_events_per_transaction', true), ''), '10000')::int;
--> statement-breakpoint
create function commitcast.is_event(
  type text, data jsonb, stream text, version bigint, meta jsonb, created_at timestamptz, control boolean
) returns boolean
language sql volatile return
  commitcast.is_text(type)
  and starts_with(type, 'commitcast.') = control
  and created_at >= '0001-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00'
  and commitcast.is_json(data, 262144)
  and (stream is null or commitcast.is_text(stream))
  and (version is null or version >= 1)
  and (meta is null or (jsonb_typeof(meta) = 'object' and commitcast.is_json(meta, 16384)))
  and commitcast.is_within_limit();
--> statement-breakpoint

-- A plain insert. With a `version` it says which one the event shall have, and is refused when it is not the next.
create function commitcast.next_version(org_id text, stream text, version bigint) returns bigint
language plpgsql set search_path = commitcast, pg_temp as $$
begin
  if stream is null then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: a version is that of a stream');
  elsif version < 1 then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: version starts at 1');
  end if;
  return commitcast.take_versions(org_id, stream, 1, version - 1) + 1;
end
$$;
--> statement-breakpoint
-- Raises, and says why.
create function commitcast.refuse_row(refused commitcast.outbox) returns void
language plpgsql set search_path = commitcast, pg_temp as $$
begin
  if refused.created_at < '0001-01-01 00:00:00+00' or refused.created_at >= '10000-01-01 00:00:00+00' then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: created_at is a time of the years 1 to 9999');
  end if;
  perform commitcast.refuse_event(refused.type, refused.data, refused.stream, refused.version, refused.meta, refused.control);
end
$$;
--> statement-breakpoint
-- Gives the version, and guards. A row of another transaction (a restored dump) is let in, and never published.
create function commitcast.guard_event() returns trigger
language plpgsql security definer as $$
begin
  if commitcast.is_this_transaction(new.tx) then
    if (new.stream is not null or new.version is not null) and not new.versioned then
      new.version := commitcast.next_version(new.org_id, new.stream, new.version);
    end if;
    if not commitcast.is_event(new.type, new.data, new.stream, new.version, new.meta, new.created_at, new.control) then
      perform commitcast.refuse_row(new);
    end if;
  end if;
  return new;
end
$$;
--> statement-breakpoint
alter table commitcast.outbox drop constraint outbox_guard, drop constraint outbox_time;
--> statement-breakpoint
drop trigger give_version on commitcast.outbox;
--> statement-breakpoint
drop function commitcast.give_version();
--> statement-breakpoint
create trigger guard_event before insert on commitcast.outbox
for each row execute function commitcast.guard_event();
--> statement-breakpoint
alter table commitcast.outbox enable always trigger guard_event;
--> statement-breakpoint

-- The row itself. Rows of before are of transactions that have ended.
truncate commitcast.committing;
--> statement-breakpoint
alter table commitcast.committing
  add column id uuid not null,
  add column org_id commitcast.identifier not null,
  add column site_id commitcast.identifier,
  add column unit_id commitcast.identifier,
  add column type text not null,
  add column data jsonb not null,
  add column stream text,
  add column version bigint,
  add column meta jsonb,
  add column created_at timestamptz not null,
  add column control boolean not null;
--> statement-breakpoint
-- It is there for a moment: compressed, as it comes from the outbox, and in the row if it fits.
alter table commitcast.committing alter column data set storage main, alter column meta set storage main;
--> statement-breakpoint

-- A DELETE takes an event back that has not been committed: from where it waits, too.
create function commitcast.take_back() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  delete from commitcast.committing where source = old.ctid;
  return old;
end
$$;
--> statement-breakpoint
create trigger take_back before delete on commitcast.outbox
for each row when (old.tx = pg_current_xact_id()) execute function commitcast.take_back();
--> statement-breakpoint
alter table commitcast.outbox enable always trigger take_back;
--> statement-breakpoint
-- Whether somebody has deleted or locked a row: only then a pass looks whether it is still there.
create function commitcast.is_touched(xmax xid) returns boolean
language sql immutable return xmax <> '0'::xid;
--> statement-breakpoint
create function commitcast.is_taken_back(source tid) returns boolean
language sql stable return not exists (select from commitcast.outbox where ctid = source);
--> statement-breakpoint
create function commitcast.is_queued(self tid) returns boolean
language sql stable return exists (select from commitcast.committing where ctid = self);
--> statement-breakpoint
alter function commitcast.hand_on() reset all;
--> statement-breakpoint
create or replace function commitcast.hand_on() returns trigger
language plpgsql security definer as $$
begin
  if not commitcast.is_this_transaction(new.tx) then
    return null;
  end if;
  if commitcast.is_touched(new.xmax) then
    if commitcast.is_taken_back(new.ctid) then
      return null;
    end if;
  end if;
  insert into commitcast.committing
    (source, id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at, control)
  values (new.ctid, new.id, new.org_id, new.site_id, new.unit_id, new.type, new.data, new.stream, new.version, new.meta,
    new.created_at, new.control);
  return null;
end
$$;
--> statement-breakpoint

-- Queues a row of `committing` again.
create function commitcast.queue_again(queued commitcast.committing, as_probe boolean) returns void
language sql set search_path = commitcast, pg_temp as $$
  insert into commitcast.committing
    (source, probe, id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at, control)
  values (queued.source, as_probe, queued.id, queued.org_id, queued.site_id, queued.unit_id, queued.type, queued.data,
    queued.stream, queued.version, queued.meta, queued.created_at, queued.control)
$$;
--> statement-breakpoint

-- The room of a scope: what is about a unit is of its room only.
create function commitcast.room_of(org_id text, site_id text, unit_id text) returns text
language sql immutable return
  'org:' || org_id || case
    when unit_id is not null then ':unit:' || unit_id
    when site_id is not null then ':site:' || site_id
    else ''
  end;
--> statement-breakpoint
create function commitcast.current_timeline() returns int
language sql volatile return ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int;
--> statement-breakpoint

-- The usual case of pass 2: nothing was fired early or taken back, no setting is in the way, and COMMITTING is held from
-- here on. Nobody takes that lock exclusively, so trying succeeds.
create function commitcast.is_usual(early int, probe boolean, xmax xid) returns boolean
language sql volatile return
  early = 0 and not probe and pg_trigger_depth() = 1
  and coalesce(current_setting('commitcast.early', true), '') in ('', '0')
  and not commitcast.is_touched(xmax)
  and current_setting('max_prepared_transactions') = '0'
  and current_setting('synchronous_commit') <> 'off'
  and pg_try_advisory_xact_lock_shared(1668246893, 1);
--> statement-breakpoint

-- Every other case: whether the row that has been fired gets its position now. As before, but it hands on the row itself,
-- and looks whether the event was taken back.
create function commitcast.is_due(queued commitcast.committing, self tid, depth int) returns boolean
language plpgsql set search_path = commitcast, pg_temp as $$
declare
  times int := coalesce(nullif(current_setting('commitcast.early', true), ''), '0')::int;
  early boolean := depth > 1 or queued.early < times;
begin
  if not commitcast.is_queued(self) then
    return false;
  end if;
  if queued.probe and current_setting('commitcast.immediate', true) = 'asked' then
    perform set_config('commitcast.immediate', 'on', true);
    return false;
  end if;

  -- SET CONSTRAINTS ALL IMMEDIATE fires triggers in mid-transaction: nested in pass 1; or, once that has happened, by
  -- itself. A position given now would be in flight until the transaction ends: queue again, and wait for the COMMIT.
  -- Who fires shows by a probe, which fires at once when SET CONSTRAINTS has made this trigger immediate again. That
  -- is true for the first of the rows that it fires: all others were queued before the first was found early. At the
  -- COMMIT the probe fires in the next round, after the deferred work that was queued meanwhile, and gives the position.
  if not queued.probe and not early and times > 0 then
    perform set_config('commitcast.immediate', 'asked', true);
    perform commitcast.queue_again(queued, true);
    early := current_setting('commitcast.immediate') = 'on';
    perform set_config('commitcast.immediate', '', true);
    if not early then
      return false;
    end if;
  end if;
  if early then
    perform set_config('commitcast.early', greatest(times, queued.early + 1)::text, true);
    set constraints commitcast.give_position deferred;
    perform commitcast.queue_again(queued, false);
    return false;
  end if;

  -- The setting is looked at first: the text of a large statement is dear to copy.
  if current_setting('max_prepared_transactions') <> '0'
    and current_query() ~* '(^|;)[[:space:]]*prepare[[:space:]]+transaction[[:space:]]+''[^'']*''[[:space:]]*(;|--|/[*]|$)' then
    perform commitcast.refuse('CC006', 'EVENTS_PREPARED: a prepared transaction would hold its positions, and all that follow, back');
  end if;

  if not pg_try_advisory_xact_lock_shared(1668246893, 1) then
    perform pg_advisory_xact_lock_shared(1668246893, 1);
  end if;

  -- Published events must survive a crash: otherwise their positions would be given again.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  return true;
end
$$;
--> statement-breakpoint

-- After an event that has its position: what few of them need.
create function commitcast.follow_up(said commitcast.committing, given bigint, given_at timestamptz) returns void
language plpgsql set search_path = commitcast, pg_temp as $$
begin
  -- With the position and time at which it takes effect; visible together with the control event, at the commit.
  if said.control and said.type = 'commitcast.revoked' then
    insert into commitcast.revocation (org_id, user_id, site_id, unit_id, position, at)
    values (said.org_id, said.data->>'user', said.site_id, said.unit_id, given, given_at);
  elsif said.control and said.type = 'commitcast.erased' then
    update commitcast.erasure e set position = given where e.id = said.id;
  end if;
  -- The relay makes partitions ahead; this is the last resort, far before the end.
  if given % 1024 = 0 then
    perform commitcast.make_partitions();
  end if;
  -- Free: no relay is awake. Held or asked for: one is, or will be, and reads without being told.
  if pg_try_advisory_xact_lock_shared(1668246893, 2) then
    perform pg_notify('commitcast', '');
  end if;
end
$$;
--> statement-breakpoint
create function commitcast.needs_more(control boolean, given bigint) returns boolean
language sql volatile return control or given % 1024 = 0 or pg_try_advisory_xact_lock_shared(1668246893, 2);
--> statement-breakpoint

alter function commitcast.give_position() reset all;
--> statement-breakpoint
create or replace function commitcast.give_position() returns trigger
language plpgsql security definer as $$
declare
  given bigint;
  -- A name without its schema could be a type that the writer has made.
  given_at pg_catalog.timestamptz;
begin
  if not commitcast.is_usual(new.early, new.probe, new.xmax) then
    if not commitcast.is_due(new, new.ctid, pg_catalog.pg_trigger_depth()) then
      return null;
    end if;
  end if;
  insert into commitcast.log
    (position, id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at, committed_at, timeline, log_oid,
      control, room)
  values (pg_catalog.nextval('commitcast.position'), new.id, new.org_id, new.site_id, new.unit_id, new.type, new.data,
    new.stream, new.version, new.meta, new.created_at, pg_catalog.clock_timestamp(), commitcast.current_timeline(),
    'commitcast.log'::pg_catalog.regclass, new.control, commitcast.room_of(new.org_id, new.site_id, new.unit_id))
  returning position, committed_at into given, given_at;
  if commitcast.needs_more(new.control, given) then
    perform commitcast.follow_up(new, given, given_at);
  end if;
  return null;
end
$$;
--> statement-breakpoint

-- Written by pass 2 from now on, and what it is, the log itself no longer says: nobody else writes there.
alter table commitcast.log alter column room drop expression;
--> statement-breakpoint
create or replace function commitcast.refuse_rewrite() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
declare
  erasure commitcast.erasure%rowtype;
begin
  select * into erasure from commitcast.erasure where open_in = pg_current_xact_id_if_assigned();
  if not found then
    -- Then the statement was refused before; unless the owner has taken the guard away.
    return new;
  end if;
  if old.org_id = erasure.org_id and (erasure.stream is null or old.stream = erasure.stream)
    and (erasure.position is null or old.position < erasure.position) and not old.control then
    old.data := commitcast.tombstone(erasure.id);
    old.meta := null;
    if new is not distinct from old then
      return new;
    end if;
  end if;
  perform commitcast.refuse('CC005', 'LOG_APPEND_ONLY: an erasure replaces data by its tombstone, and nothing else');
  return null;
end
$$;
--> statement-breakpoint

-- A partition's bounds say what its CHECK said, and cost nothing when a row is routed to it. An empty table that is
-- attached is not read, so there is no use for it before, either.
do $$
declare
  bound record;
begin
  for bound in
    select c.conrelid::regclass as partition, c.conname as name
    from pg_catalog.pg_inherits i join pg_catalog.pg_constraint c on c.conrelid = i.inhrelid
    where i.inhparent = 'commitcast.log'::regclass and c.contype = 'c' and c.conislocal and c.coninhcount = 0
  loop
    execute format('alter table %s drop constraint %I', bound.partition, bound.name);
  end loop;
end
$$;
--> statement-breakpoint
-- As in 0008_streams.sql, without that CHECK.
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
      execute format('create table commitcast.%I (like commitcast.log including all)', name);
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
--> statement-breakpoint
-- What the triggers call, they call as the owner; nobody else has a use for it.
revoke all on function commitcast.is_this_transaction(xid8), commitcast.is_text(text), commitcast.is_json(jsonb, int),
  commitcast.is_within_limit(), commitcast.is_event(text, jsonb, text, bigint, jsonb, timestamptz, boolean),
  commitcast.next_version(text, text, bigint), commitcast.refuse_row(commitcast.outbox), commitcast.guard_event(),
  commitcast.take_back(), commitcast.is_touched(xid), commitcast.is_taken_back(tid), commitcast.is_queued(tid),
  commitcast.queue_again(commitcast.committing, boolean), commitcast.room_of(text, text, text),
  commitcast.current_timeline(), commitcast.is_usual(int, boolean, xid), commitcast.is_due(commitcast.committing, tid, int),
  commitcast.follow_up(commitcast.committing, bigint, timestamptz), commitcast.needs_more(boolean, bigint) from public;
