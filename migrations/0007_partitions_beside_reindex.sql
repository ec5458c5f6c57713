-- As in 0002_partitions.sql, but a REINDEX that holds an index of the log does not make a commit fail that comes by here.
-- Makes partitions until two whole ones lie ahead of the last position given. Returns how many it made. It never
-- waits for long: when another makes them, or a lock is not to be had, it leaves the work to the next caller.
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
  select last_value into head from commitcast.position;
  select coalesce(max(to_position), 1) into ending from commitcast.partition;
  begin
    size := commitcast.partition_size();
  exception when lock_not_available then
    -- It reads the log, which a REINDEX may hold: a commit that comes by must not fail for it.
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
