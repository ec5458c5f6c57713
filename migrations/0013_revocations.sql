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
      select r.ctid from commitcast.revocation r
      where r.ctid = any (array(
        select one.ctid
        from (
          select ctid, at, site_id is null and unit_id is null as is_org,
            -- A clock may have been put back: what counts is the time.
            row_number() over (partition by org_id, user_id, site_id, unit_id order by at desc, position desc) as nth,
            max(at) filter (where site_id is null and unit_id is null) over (partition by org_id, user_id) as org_at
          from commitcast.revocation
        ) one
        where nth > 1 or (not is_org and at <= org_at)
        limit 10000
      ))
      for update skip locked
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
