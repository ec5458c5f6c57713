-- An epoch is the identity of this database's history: a restored copy, or a standby that was promoted without the
-- last commits, must not pass for the database that a cursor came from.
create view commitcast.identity as
select
  (select system_identifier from pg_catalog.pg_control_system()) as system_identifier,
  ('x' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::int as timeline,
  (select oid from pg_catalog.pg_database where datname = current_database()) as database_oid,
  'commitcast.log'::regclass::oid as log_oid;
--> statement-breakpoint

-- Opens a new epoch when the identity differs from that of the last one, or when `force` says so (a storage snapshot
-- that was rolled back keeps its identity). Returns the epoch in force. The end of the epoch before is the highest
-- position of *its* timeline, exact however late it is computed.
create function commitcast.open_epoch(force boolean default false) returns text
language plpgsql security definer set search_path = commitcast, pg_temp as $$
declare
  now_is commitcast.identity%rowtype;
  last commitcast.epoch%rowtype;
  opened text;
  ended bigint := 0;
begin
  perform pg_advisory_xact_lock(1668246893, 6);
  select * into now_is from commitcast.identity;
  select * into last from commitcast.epoch order by ordinal desc limit 1;
  if found and not force
    and (last.system_identifier, last.timeline, last.database_oid, last.log_oid)
      = (now_is.system_identifier, now_is.timeline, now_is.database_oid, now_is.log_oid) then
    return last.epoch;
  end if;
  if last.epoch is not null then
    select coalesce(max(position), last.previous_end) into ended from commitcast.log
    where timeline = last.timeline or now_is.timeline = last.timeline;
  end if;
  select string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', 1 + (get_byte(random_bytes, n) & 31), 1), '')
  into opened
  from (select decode(md5(gen_random_uuid()::text), 'hex') as random_bytes) r, generate_series(0, 7) n;
  insert into commitcast.epoch (epoch, system_identifier, timeline, database_oid, log_oid, previous_end)
  values (opened, now_is.system_identifier, now_is.timeline, now_is.database_oid, now_is.log_oid, ended);
  return opened;
end
$$;
--> statement-breakpoint
select commitcast.open_epoch();
