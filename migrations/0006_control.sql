-- Control events: written only by functions of the owner, put in order like all others, acted on by every dispatcher at
-- their position, never delivered.
--
-- `commitcast.revoked`: a user loses an org, or a site or unit of it. Nothing after its position reaches them, and tokens
-- issued before it stay refused.
create function commitcast.revoke(org_id text, user_id text, site_id text default null, unit_id text default null)
returns uuid
language sql security definer set search_path = commitcast, pg_temp as $$
  insert into commitcast.outbox (org_id, site_id, unit_id, type, data, control)
  select $1, $3, $4, 'commitcast.revoked', jsonb_build_object('user', $2), true
  where case
    when $2 <> '' then true
    else commitcast.refuse('CC001', 'EVENT_INVALID: the user to revoke is missing')
  end
  returning id
$$;
--> statement-breakpoint

-- `commitcast.membership-changed`: the user's rights in an org are others now. Their sessions connect again.
create function commitcast.follow_membership() returns trigger
language plpgsql security definer set search_path = commitcast, pg_temp as $$
begin
  if tg_op = 'TRUNCATE' then
    perform commitcast.refuse('CC005', 'LOG_APPEND_ONLY: commitcast.membership refuses TRUNCATE: delete its rows, so that each is revoked');
  elsif tg_op = 'DELETE' or (old.user_id, old.org_id) <> (new.user_id, new.org_id) then
    insert into commitcast.outbox (org_id, type, data, control)
    values
      (old.org_id, 'commitcast.revoked', jsonb_build_object('user', old.user_id), true),
      -- Also for whoever has a token that is younger, by the clock of its issuer.
      (old.org_id, 'commitcast.membership-changed', jsonb_build_object('user', old.user_id), true);
  elsif (old.profile_id, old.email, old.role, old.sites, old.units)
    is distinct from (new.profile_id, new.email, new.role, new.sites, new.units) then
    insert into commitcast.outbox (org_id, type, data, control)
    values (new.org_id, 'commitcast.membership-changed', jsonb_build_object('user', new.user_id), true);
  end if;
  return null;
end
$$;
--> statement-breakpoint
create trigger follow_membership after update or delete on commitcast.membership
for each row execute function commitcast.follow_membership();
--> statement-breakpoint
create trigger keep_membership before truncate on commitcast.membership
for each statement execute function commitcast.follow_membership();
--> statement-breakpoint
alter table commitcast.membership enable always trigger follow_membership;
--> statement-breakpoint
alter table commitcast.membership enable always trigger keep_membership;
--> statement-breakpoint

-- As in 0001_positions.sql, with the oid of the log, and with the revocation that a control event brings into force.
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

revoke all on function commitcast.revoke(text, text, text, text), commitcast.follow_membership() from public;
--> statement-breakpoint
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_writer') then
    grant execute on function commitcast.revoke(text, text, text, text) to commitcast_writer;
  end if;
end
$$;
