-- Partitions of the log, made ahead and attached without blocking a commit.
--
-- Never CREATE … PARTITION OF: it wants ACCESS EXCLUSIVE on the log, waits behind any reader, and every COMMIT waits
-- behind it. A table made apart is attached under SHARE UPDATE EXCLUSIVE, which neither readers nor writers notice.
create view commitcast.partition as
select c.relname::text as name,
  (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''?(\d+)''?\) TO'))[1]::bigint as from_position,
  (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''?(\d+)''?\)'))[1]::bigint as to_position,
  i.inhdetachpending as detaching
from pg_catalog.pg_inherits i
join pg_catalog.pg_class c on c.oid = i.inhrelid
where i.inhparent = 'commitcast.log'::regclass;
--> statement-breakpoint

-- Positions in one partition: about a day at the recent rate, as a power of two from 131,072 to 16,777,216.
create function commitcast.partition_size() returns bigint
language plpgsql stable security definer set search_path = commitcast, pg_temp as $$
declare
  head bigint := (select last_value from commitcast.position);
  since timestamptz;
  per_day numeric;
begin
  select committed_at into since from commitcast.log where position >= head - 10000 order by position limit 1;
  if since is null then
    return 131072;
  end if;
  per_day := least(head, 10000) * 86400 / greatest(extract(epoch from clock_timestamp() - since), 1);
  return least(16777216, greatest(131072, 2 ^ ceil(log(2, greatest(per_day, 1)))));
end
$$;
--> statement-breakpoint

-- Makes partitions until two whole ones lie ahead of the last position given. Returns how many it made. It never
-- waits for long: when another makes them, or a lock is not to be had, it leaves the work to the next caller.
create function commitcast.make_partitions() returns int
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
  select last_value into head from commitcast.position;
  select coalesce(max(to_position), 1) into ending from commitcast.partition;
  size := commitcast.partition_size();
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
--> statement-breakpoint
select commitcast.make_partitions();
--> statement-breakpoint

-- First step of dropping what lies below a position: readers see the new floor before anything is gone. The caller
-- then detaches and drops the partitions below it (DETACH CONCURRENTLY cannot run inside a function).
create function commitcast.raise_floor(new_floor bigint) returns bigint
language sql security definer set search_path = commitcast, pg_temp as $$
  update commitcast.relay set floor = greatest(floor, least(new_floor, published + 1)) returning floor;
$$;
