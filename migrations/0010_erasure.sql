-- Erasure: the `data` of past events of an org, or of one stream of it, is replaced by a tombstone that names the
-- control event which erased it, and `meta` is emptied. Positions, ids, types, versions and scopes stay. The log stays
-- closed to every other change.
--
-- What the place of the control event `commitcast.erased` in the order means: data of events below it is erased, data
-- of events above it is not. Most of it is replaced by `commitcast.erase` itself, which sees what is committed. What it
-- cannot see, and what gets a position below it all the same (events of its own transaction, and of transactions that
-- commit while it works), is replaced by `commitcast.sweep_erasures` when all positions below it are settled.
--
-- The audit, and what allows the replacement. `settled`: everything up to there was visible when the erasure began.
create table commitcast.erasure (
  id uuid primary key,
  org_id commitcast.identifier not null,
  -- Null: all of the org.
  stream text,
  -- That of the control event; from its COMMIT on.
  position bigint,
  requested_at timestamptz not null default clock_timestamp(),
  requested_by text not null,
  reason text,
  -- How many events had their data replaced.
  events bigint not null default 0,
  -- From then on it is complete.
  swept_at timestamptz,
  settled bigint not null,
  -- The transaction that replaces data for it at this moment.
  open_in xid8
);
--> statement-breakpoint
create index erasure_unswept on commitcast.erasure (position) where swept_at is null;
--> statement-breakpoint
create index erasure_open on commitcast.erasure (open_in) where open_in is not null;
--> statement-breakpoint
create index erasure_org on commitcast.erasure (org_id);
--> statement-breakpoint

create function commitcast.tombstone(erasure uuid) returns jsonb
language sql stable as $$ select jsonb_build_object('$erased', erasure) $$;
--> statement-breakpoint

-- As before; but the log takes an UPDATE while an erasure is at work in this very transaction. What it may write, the
-- next one says. Both look as the owner, so that whoever is refused is told why.
create or replace function commitcast.refuse_change() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  if tg_op = 'UPDATE' and tg_table_name like 'log%'
    and exists (select from commitcast.erasure where open_in = pg_current_xact_id_if_assigned()) then
    return null;
  end if;
  perform commitcast.refuse('CC005', format('LOG_APPEND_ONLY: commitcast.%s refuses %s', tg_table_name, tg_op));
  return null;
end
$$;
--> statement-breakpoint
create function commitcast.refuse_rewrite() returns trigger
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
    -- Not computed yet in the new row.
    old.room := new.room;
    if new is not distinct from old then
      return new;
    end if;
  end if;
  perform commitcast.refuse('CC005', 'LOG_APPEND_ONLY: an erasure replaces data by its tombstone, and nothing else');
  return null;
end
$$;
--> statement-breakpoint
-- On the parent: partitions get it when they are attached.
create trigger only_erased before update on commitcast.log
for each row execute function commitcast.refuse_rewrite();
--> statement-breakpoint
alter table commitcast.log enable always trigger only_erased;
--> statement-breakpoint

-- The audit is kept as it is; and there is no erasure without its control event. A restored row is not at work.
create function commitcast.keep_erasure() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  old.position := coalesce(old.position, new.position);
  old.swept_at := coalesce(old.swept_at, new.swept_at);
  old.events := new.events;
  old.open_in := new.open_in;
  if new is distinct from old then
    perform commitcast.refuse('CC005', 'LOG_APPEND_ONLY: commitcast.erasure keeps what was asked for');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create trigger keep_erasure before update on commitcast.erasure
for each row execute function commitcast.keep_erasure();
--> statement-breakpoint
alter table commitcast.erasure enable always trigger keep_erasure;
--> statement-breakpoint
create trigger append_only before delete or truncate on commitcast.erasure
for each statement execute function commitcast.refuse_change();
--> statement-breakpoint
alter table commitcast.erasure enable always trigger append_only;
--> statement-breakpoint
create function commitcast.require_control_event() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  if not exists (select from commitcast.log where position = new.position and id = new.id and control)
    and not exists (
      select from commitcast.outbox where id = new.id and tx = pg_current_xact_id() and control
        and type = 'commitcast.erased' and org_id = new.org_id and data->>'stream' is not distinct from new.stream
    ) then
    perform commitcast.refuse('CC005', 'LOG_APPEND_ONLY: an erasure has its control event; call commitcast.erase()');
  end if;
  return null;
end
$$;
--> statement-breakpoint
create constraint trigger require_control_event after insert or update on commitcast.erasure
deferrable initially deferred for each row when (new.open_in is not null)
execute function commitcast.require_control_event();
--> statement-breakpoint
alter table commitcast.erasure enable always trigger require_control_event;
--> statement-breakpoint

-- Replaces what is visible of `(after, before)`; returns the streams that it met. Data that a later erasure has replaced
-- keeps the later tombstone, as it would if all had been done in order. Called by the owner's functions only.
create function commitcast.replace_data(
  erasure commitcast.erasure, after bigint, before bigint, out events bigint, out streams text[]
)
language plpgsql set plan_cache_mode = force_custom_plan set enable_seqscan = off as $$
declare
  tombstone jsonb := commitcast.tombstone(erasure.id);
begin
  with replaced as (
    update commitcast.log l set data = tombstone, meta = null
    where l.org_id = erasure.org_id and (erasure.stream is null or l.stream = erasure.stream)
      and l.position > after and l.position < before and not l.control
      and not (
        -- How large a value is stored costs nothing to know.
        l.meta is null and pg_column_size(l.data) < 100
        and l.data in (
          select commitcast.tombstone(e.id) from commitcast.erasure e
          where e.org_id = erasure.org_id and (e.id = erasure.id or e.position > erasure.position)
        )
      )
    returning l.stream
  )
  select count(*), array_agg(distinct stream) filter (where stream is not null) into events, streams from replaced;
end
$$;
--> statement-breakpoint

-- Erases the data of what an org, or one stream of it, has said before. Returns the id of the control event, which is
-- that of the row in `commitcast.erasure`, too. A null `stream` is all of the org.
create function commitcast.erase(org_id text, stream text default null, reason text default null) returns uuid
language plpgsql security definer set search_path = commitcast, pg_temp set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  erasure commitcast.erasure%rowtype;
  replaced bigint;
begin
  if $1 is null then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: the org to erase is missing');
  elsif length($2) not between 1 and 255 or $2 ~ '[[:cntrl:]]' then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: stream has 1 to 255 characters, none of them a control character');
  elsif length($3) > 1000 then
    perform commitcast.refuse('CC001', 'EVENT_INVALID: reason has at most 1000 characters');
  end if;

  -- From here on nobody appends to these streams, and what was appended is committed, so that it is seen below; and
  -- states that were folded before are not saved any more. In the order in which `commitcast.append` locks streams.
  perform from commitcast.stream s where s.org_id = $1 and ($2 is null or s.stream = $2) order by s.stream for update;
  update commitcast.stream s set erasures = erasures + 1 where s.org_id = $1 and ($2 is null or s.stream = $2);
  delete from commitcast.state s where s.org_id = $1 and ($2 is null or s.stream = $2);

  insert into commitcast.outbox (org_id, type, data, control)
  values ($1, 'commitcast.erased',
    jsonb_strip_nulls(jsonb_build_object('stream', $2, 'reason', $3, 'by', session_user)), true)
  returning id into erasure.id;
  insert into commitcast.erasure as e (id, org_id, stream, requested_by, reason, settled, open_in)
  select erasure.id, $1, $2, session_user, $3, published, pg_current_xact_id() from commitcast.relay
  returning e.* into erasure;
  select events into replaced from commitcast.replace_data(erasure, 0, 9223372036854775807);
  update commitcast.erasure e set events = replaced, open_in = null where e.id = erasure.id;
  return erasure.id;
end
$$;
--> statement-breakpoint

-- Completes the erasures below which all is settled. Returns how many are not complete. It never waits for long: what
-- is held by others is left for the next call.
create function commitcast.sweep_erasures() returns bigint
language plpgsql security definer set search_path = commitcast, pg_temp
set plan_cache_mode = force_custom_plan set lock_timeout = '200ms' as $$
declare
  pending commitcast.erasure%rowtype;
  replaced record;
begin
  for pending in
    select * from commitcast.erasure
    where swept_at is null and position <= (select published from commitcast.relay)
    order by position for update skip locked
  loop
    begin
      update commitcast.erasure set open_in = pg_current_xact_id() where id = pending.id;
      select * into replaced from commitcast.replace_data(pending, pending.settled, pending.position);
      -- States that were folded from what was replaced only now are refused from here on; those that are there may be
      -- such ones, or may have been saved beside an erasure that could not see them. They are a cache.
      update commitcast.stream set erasures = erasures + 1
      where org_id = pending.org_id and stream = any(replaced.streams);
      delete from commitcast.state
      where org_id = pending.org_id and (pending.stream is null or stream = pending.stream);
      update commitcast.erasure
      set events = events + replaced.events, swept_at = clock_timestamp(), open_in = null where id = pending.id;
    exception when lock_not_available then
      null;
    end;
  end loop;
  return (select count(*) from commitcast.erasure where swept_at is null);
end
$$;
--> statement-breakpoint

-- As in 0006_control.sql, with the position of an erasure.
create or replace function commitcast.give_position() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
declare
  given bigint;
  controls boolean;
  given_at timestamptz;
  times int := coalesce(nullif(current_setting('commitcast.early', true), ''), '0')::int;
  early boolean := pg_trigger_depth() > 1 or new.early < times;
begin
  if new.probe and current_setting('commitcast.immediate', true) = 'asked' then
    perform set_config('commitcast.immediate', 'on', true);
    return null;
  end if;

  -- SET CONSTRAINTS ALL IMMEDIATE fires triggers in mid-transaction: nested in pass 1; or, once that has happened, by
  -- itself. A position given now would be in flight until the transaction ends: queue again, and wait for the COMMIT.
  -- Who fires shows by a probe, which fires at once when SET CONSTRAINTS has made this trigger immediate again. That
  -- is true for the first of the rows that it fires: all others were queued before the first was found early. At the
  -- COMMIT the probe fires in the next round, after the deferred work that was queued meanwhile, and gives the position.
  if not new.probe and not early and times > 0 then
    perform set_config('commitcast.immediate', 'asked', true);
    insert into commitcast.committing (source, probe) values (new.source, true);
    early := current_setting('commitcast.immediate') = 'on';
    perform set_config('commitcast.immediate', '', true);
    if not early then
      return null;
    end if;
  end if;
  if early then
    perform set_config('commitcast.early', greatest(times, new.early + 1)::text, true);
    set constraints commitcast.give_position deferred;
    insert into commitcast.committing (source) values (new.source);
    return null;
  end if;

  -- The setting is looked at first: the text of a large statement is dear to copy.
  if current_setting('max_prepared_transactions') <> '0'
    and current_query() ~* '(^|;)\s*prepare\s+transaction\s+''[^'']*''\s*(;|--|/\*|$)' then
    perform commitcast.refuse('CC006', 'EVENTS_PREPARED: a prepared transaction would hold its positions, and all that follow, back');
  end if;

  -- Nobody takes COMMITTING exclusively, so trying succeeds; as an expression it is cheaper than a query.
  if not pg_try_advisory_xact_lock_shared(1668246893, 1) then
    perform pg_advisory_xact_lock_shared(1668246893, 1);
  end if;

  -- Published events must survive a crash: otherwise their positions would be given again.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;

  insert into commitcast.log
    (position, id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at, committed_at, timeline, log_oid, control)
  select nextval('commitcast.position'), id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at,
    clock_timestamp(), ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
    'commitcast.log'::regclass, control
  from commitcast.outbox
  where ctid = new.source and tx = pg_current_xact_id()
  returning position, control, committed_at into given, controls, given_at;

  -- With the position and time at which it takes effect; visible together with the control event, at the commit.
  if controls then
    insert into commitcast.revocation (org_id, user_id, site_id, unit_id, position, at)
    select org_id, data->>'user', site_id, unit_id, given, given_at
    from commitcast.outbox
    where ctid = new.source and tx = pg_current_xact_id() and type = 'commitcast.revoked';
    update commitcast.erasure e set position = given
    from commitcast.outbox o
    where o.ctid = new.source and o.tx = pg_current_xact_id() and o.type = 'commitcast.erased' and e.id = o.id;
  end if;

  -- The relay makes partitions ahead; this is the last resort, far before the end.
  if given % 1024 = 0 then
    perform commitcast.make_partitions();
  end if;

  -- Free: no relay is awake. Held or asked for: one is, or will be, and reads without being told.
  if pg_try_advisory_xact_lock_shared(1668246893, 2) then
    perform pg_notify('commitcast', '');
  end if;
  return null;
end
$$;
--> statement-breakpoint

revoke all on function commitcast.tombstone(uuid), commitcast.refuse_rewrite(), commitcast.keep_erasure(),
  commitcast.require_control_event(), commitcast.replace_data(commitcast.erasure, bigint, bigint),
  commitcast.erase(text, text, text), commitcast.sweep_erasures() from public;
--> statement-breakpoint
-- Nobody is granted `commitcast.erase`: who may erase, the owner says.
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_reader') then
    grant select on commitcast.erasure to commitcast_reader;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_relay') then
    grant select on commitcast.erasure to commitcast_relay;
    grant execute on function commitcast.sweep_erasures() to commitcast_relay;
  end if;
end
$$;
