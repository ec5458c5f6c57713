/**
 * The epoch in force, or null when its identity is not that of the database: then the history has been replaced (the
 * database was restored, or a standby was promoted), and nobody has opened the new epoch so far; on a standby, too. The
 * system identifier is left out: reading it is dear, and another system is never met from one statement to the next with
 * all else alike. A scalar, so that it is computed once a statement.
 */
export const presentEpochSql = `(
  select case
    when pg_is_in_recovery() then null
    when timeline = ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
      and log_oid = 'commitcast.log'::regclass::oid
      and database_oid = (select oid from pg_database where datname = current_database())
    then epoch
  end
  from commitcast.epoch order by ordinal desc limit 1
)`;
