-- What each instance says of itself, every 2 seconds, for whoever runs them. It means nothing after a crash of the
-- server, so it is unlogged. One small row an instance, without an index on what changes and with room for the next
-- version beside it: updates stay in their page, and leave no bloat.
create unlogged table commitcast.instance (
  id uuid primary key,
  kind text not null check (kind in ('serve', 'relay')),
  host text not null,
  pid int not null,
  version text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  status jsonb not null
) with (fillfactor = 30);
--> statement-breakpoint
-- Compressed rather than moved to a table beside it, which updates would fill with dead rows.
alter table commitcast.instance alter column status set storage main;
--> statement-breakpoint

-- Whoever operates the installation is answered by an instance; readers of the log see nothing of it.
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'commitcast_relay') then
    grant select, insert, update, delete on commitcast.instance to commitcast_relay;
  end if;
end
$$;
