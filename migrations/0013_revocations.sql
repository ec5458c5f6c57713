-- Revocations that say nothing any more. Whoever is refused by an older one of a user and scope is refused by the newest,
-- too; and whoever is refused the org needs no word of its sites and units. So what stays is one row for each scope that a
-- user has lost, for as long as a token that was issued before may be shown.
--
-- They are not written over at COMMIT: who revokes the same right at the same time would be waited for while positions are
-- held, and two that revoke several in another order would end in a deadlock.
--
-- Returns how many it removed; at most 10,000 at once. It never waits for a lock on a row.
create function commitcast.sweep_revocations() returns bigint
language sql security definer set search_path = commitcast, pg_temp as $$
  with swept as (
    delete from commitcast.revocation where ctid = any (array(
      select old.ctid from commitcast.revocation old
      where exists (
        select from commitcast.revocation newer
        where newer.org_id = old.org_id and newer.user_id = old.user_id
          and case
            when newer.site_id is not distinct from old.site_id and newer.unit_id is not distinct from old.unit_id
              -- A clock may have been put back: what counts is the time.
              then (newer.at, newer.position) > (old.at, old.position)
            else newer.site_id is null and newer.unit_id is null and newer.at >= old.at
          end
      )
      limit 10000 for update skip locked
    )) returning 1
  )
  select count(*) from swept
$$;
--> statement-breakpoint
revoke all on function commitcast.sweep_revocations() from public;
--> statement-breakpoint
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_relay') then
    grant execute on function commitcast.sweep_revocations() to commitcast_relay;
  end if;
end
$$;
