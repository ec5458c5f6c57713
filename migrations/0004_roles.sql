-- Roles are of the cluster, not of the database: they may exist already, another database may be making them at this
-- moment, and a role without CREATEROLE cannot make them; then the owner is the only role, and says so.
do $$
declare
  role text;
begin
  foreach role in array array['commitcast_writer', 'commitcast_reader', 'commitcast_relay'] loop
    begin
      if not exists (select from pg_catalog.pg_roles where rolname = role) then
        execute format('create role %I nologin', role);
      end if;
    exception
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        raise warning 'commitcast: role % was not created: the migrating role lacks CREATEROLE', role;
    end;
  end loop;
end
$$;
--> statement-breakpoint
revoke all on all functions in schema commitcast from public;
--> statement-breakpoint
-- Guards run with the rights of the inserting role.
grant execute on function commitcast.refuse(text, text), commitcast.refuse_event(text, jsonb, text, bigint, jsonb, boolean),
  commitcast.is_too_deep(jsonb) to public;
--> statement-breakpoint
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_writer') then
    grant usage on schema commitcast to commitcast_writer;
    -- Not `tx` and not `control`: a writer can neither speak for another transaction nor write a control event.
    grant insert (id, org_id, site_id, unit_id, type, data, stream, version, meta, created_at), select (id)
      on commitcast.outbox to commitcast_writer;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_reader') then
    grant usage on schema commitcast to commitcast_reader;
    grant select on commitcast.log, commitcast.relay, commitcast.epoch, commitcast.partition, commitcast.stream,
      commitcast.membership, commitcast.revocation to commitcast_reader;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_relay') then
    grant usage on schema commitcast to commitcast_relay;
    grant select on commitcast.log, commitcast.relay, commitcast.epoch, commitcast.partition, commitcast.identity,
      commitcast.stream, commitcast.membership, commitcast.revocation to commitcast_relay;
    grant update on commitcast.relay to commitcast_relay;
    grant select, insert, delete on commitcast.attachment to commitcast_relay;
    grant select on commitcast.adapter to commitcast_relay;
    -- For the check of the version at the start; drizzle made the table before this file ran.
    if to_regclass('commitcast.migration') is not null then
      grant select on commitcast.migration to commitcast_relay;
    end if;
    grant execute on function commitcast.clear_outbox(), commitcast.partition_size(), commitcast.make_partitions(),
      commitcast.raise_floor(bigint), commitcast.open_epoch(boolean) to commitcast_relay;
  end if;
end
$$;
