-- Commits that are giving positions at this moment do so by the functions that were there before, and end first.
lock table commitcast.committing in access exclusive mode;
--> statement-breakpoint

-- Which history a row belongs to. The timeline alone does not tell a restored copy from its original: rows that were
-- restored keep the oid of the log that they were written to, rows written later have that of the copy. Who writes is
-- `give_position`, in the next file.
alter table commitcast.log add column log_oid oid not null default 'commitcast.log'::regclass::oid;
--> statement-breakpoint
-- The default was for the rows that were there; as part of the table it could not be restored.
alter table commitcast.log alter column log_oid drop default;
--> statement-breakpoint

-- As before; but the end of the epoch before is that of its own rows, by timeline and log. Where a copy has the same of
-- both, in another cluster by chance, rows of the copy cannot be told from restored ones: then the end is what had been
-- published when the copy was made, for nobody publishes before the epoch is opened.
create or replace function commitcast.open_epoch(force boolean default false) returns text
language plpgsql security definer set search_path = commitcast, pg_temp as $$
declare
  now_is commitcast.identity%rowtype;
  last commitcast.epoch%rowtype;
  same boolean;
  opened text;
  ended bigint := 0;
begin
  perform pg_advisory_xact_lock(1668246893, 6);
  select * into now_is from commitcast.identity;
  select * into last from commitcast.epoch order by ordinal desc limit 1;
  if found then
    same := (last.system_identifier, last.timeline, last.database_oid, last.log_oid)
      = (now_is.system_identifier, now_is.timeline, now_is.database_oid, now_is.log_oid);
    if same and not force then
      return last.epoch;
    end if;
    select coalesce(max(position), last.previous_end) into ended from commitcast.log
    where timeline = last.timeline and log_oid = last.log_oid;
    if not same and (last.timeline, last.log_oid) = (now_is.timeline, now_is.log_oid) then
      ended := least(ended, (select published from commitcast.relay));
    end if;
  end if;
  select string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', 1 + (get_byte(random_bytes, n) & 31), 1), '')
  into opened
  from (select decode(md5(gen_random_uuid()::text), 'hex') as random_bytes) r, generate_series(0, 7) n;
  insert into commitcast.epoch (epoch, system_identifier, timeline, database_oid, log_oid, previous_end)
  values (opened, now_is.system_identifier, now_is.timeline, now_is.database_oid, now_is.log_oid, ended);
  return opened;
end
$$;
