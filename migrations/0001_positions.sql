-- Positions at the end of COMMIT.
--
-- Two deferred passes, while the transaction's locks are still held:
--   1. hand_on: a deferred trigger on `outbox` hands the row to `committing`;
--   2. give_position: *its* deferred trigger therefore fires after every deferred constraint and trigger that was
--      already queued. It takes COMMITTING, gives the next position and writes the log.
-- A transaction that waited for another's lock, even in a deferred foreign key at COMMIT, cannot reach pass 2 before
-- the other is done; and a position is in flight for the last milliseconds only, not while the transaction works.
--
-- Advisory locks, two-key form, class 1668246893 (the bytes "comm"):
--   1 COMMITTING  shared: held from giving a position to the end of the commit
--   2 AWAKE       exclusive: a relay polls, so writers need not NOTIFY
--   3 LEADER      exclusive: the relay that leads
--   4 MIGRATE     exclusive: one migration at a time
--   5 PARTITION   exclusive: one maker of partitions at a time
--   6 EPOCH       exclusive: one opener of an epoch at a time
create function commitcast.hand_on() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  if new.tx = pg_current_xact_id() then
    insert into commitcast.committing (source) values (new.ctid);
  end if;
  return null;
end
$$;
--> statement-breakpoint
create function commitcast.give_position() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
declare
  given bigint;
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
    (position, id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at, committed_at, timeline, control)
  select nextval('commitcast.position'), id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at,
    clock_timestamp(), ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int, control
  from commitcast.outbox
  where ctid = new.source and tx = pg_current_xact_id()
  returning position into given;

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
create constraint trigger hand_on after insert on commitcast.outbox
deferrable initially deferred for each row execute function commitcast.hand_on();
--> statement-breakpoint
create constraint trigger give_position after insert on commitcast.committing
deferrable initially deferred for each row execute function commitcast.give_position();
--> statement-breakpoint
-- ALWAYS: also under session_replication_role = replica.
alter table commitcast.outbox enable always trigger hand_on;
--> statement-breakpoint
alter table commitcast.committing enable always trigger give_position;
--> statement-breakpoint

-- Rows of ended transactions mean nothing, and other transactions' rows that can be seen are of ended ones. When nobody
-- holds a lock on the tables, nobody has a row in flight: empty them at once. A TRUNCATE that had to wait would stall
-- every insert behind it, so it never waits.
create function commitcast.clear_outbox() returns void
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  lock table commitcast.outbox, commitcast.committing in access exclusive mode nowait;
  truncate commitcast.outbox, commitcast.committing;
exception when lock_not_available then
  delete from commitcast.outbox;
  delete from commitcast.committing;
end
$$;
