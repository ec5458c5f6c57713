-- Tables of Commitcast. The word list is in ARCHITECTURE.md; why positions are given as they are, in 0001_positions.sql.
create schema if not exists commitcast;
--> statement-breakpoint

-- Guards raise through this one, so that every refusal has its SQLSTATE and starts with its code.
create function commitcast.refuse(state text, message text) returns boolean
language plpgsql as $$
begin
  raise exception using errcode = state, message = message;
end
$$;
--> statement-breakpoint

-- Without a colon, so that no id can forge the room of another scope. Length and characters are asked for apart: a
-- counted repetition such as {1,128} costs Postgres some 10 µs a match, each time.
create domain commitcast.identifier as text check (
  value is null
  or case
    when length(value) between 1 and 128 and value !~ '[^A-Za-z0-9._~-]' then true
    else commitcast.refuse('CC001', 'EVENT_INVALID: ' || quote_literal(left(value, 40))
      || ' is no identifier: 1 to 128 characters of A-Z a-z 0-9 . _ ~ -')
  end
);
--> statement-breakpoint

-- Clients, and the libraries between, walk JSON by recursion: what is nested without end ends processes. A short value
-- cannot be deep.
create function commitcast.is_too_deep(value jsonb) returns boolean
language sql immutable as $$
  select octet_length(value::text) > 512 and jsonb_path_exists(value, '$.**{256 to last}')
$$;
--> statement-breakpoint

create function commitcast.refuse_event(type text, data jsonb, stream text, version bigint, meta jsonb, control boolean)
returns boolean language plpgsql as $$
begin
  if length(type) not between 1 and 255 or type ~ '[[:cntrl:]]' then
    return commitcast.refuse('CC001', 'EVENT_INVALID: type has 1 to 255 characters, none of them a control character');
  elsif length(stream) not between 1 and 255 or stream ~ '[[:cntrl:]]' then
    return commitcast.refuse('CC001', 'EVENT_INVALID: stream has 1 to 255 characters, none of them a control character');
  elsif version < 1 then
    return commitcast.refuse('CC001', 'EVENT_INVALID: version starts at 1');
  elsif jsonb_typeof(meta) <> 'object' then
    return commitcast.refuse('CC001', 'EVENT_INVALID: meta is a JSON object');
  elsif starts_with(type, 'commitcast.') <> control then
    return commitcast.refuse('CC003', 'EVENT_NAME_RESERVED: types that start with "commitcast." are control events');
  elsif commitcast.is_too_deep(data) or commitcast.is_too_deep(meta) then
    return commitcast.refuse('CC001', 'EVENT_INVALID: data and meta are nested at most 256 deep');
  elsif octet_length(data::text) > 262144 then
    return commitcast.refuse('CC002', format('EVENT_TOO_LARGE: data has %s bytes as text, 262144 are allowed', octet_length(data::text)));
  elsif octet_length(meta::text) > 16384 then
    return commitcast.refuse('CC002', format('EVENT_TOO_LARGE: meta has %s bytes as text, 16384 are allowed', octet_length(meta::text)));
  else
    return commitcast.refuse('CC004', 'TOO_MANY_EVENTS: the limit of one transaction is reached (10000, or the setting commitcast.max_events_per_transaction)');
  end if;
end
$$;
--> statement-breakpoint

-- What a transaction wants to say. UNLOGGED: its rows mean nothing after the commit, which copies them to the log.
--
-- The guard is a CHECK of built-in functions, which cost far less than a BEFORE trigger; only a row that fails it
-- calls plpgsql, to say why. It counts the transaction's events in a transaction-local setting, so that a rollback to
-- a savepoint takes the count back too. A row of another transaction (a restored dump) is let in and never published.
create unlogged table commitcast.outbox (
  id uuid not null default gen_random_uuid(),
  org_id commitcast.identifier not null,
  site_id commitcast.identifier,
  unit_id commitcast.identifier,
  type text not null,
  data jsonb not null,
  stream text,
  version bigint,
  meta jsonb,
  created_at timestamptz not null default clock_timestamp(),
  tx xid8 not null default pg_current_xact_id(),
  control boolean not null default false,
  constraint outbox_guard check (
    case
      when tx <> pg_current_xact_id() then true
      when length(type) between 1 and 255
        and type !~ '[[:cntrl:]]'
        and starts_with(type, 'commitcast.') = control
        and octet_length(data::text) <= 262144
        and not (octet_length(data::text) > 512 and jsonb_path_exists(data, '$.**{256 to last}'))
        and (stream is null or (length(stream) between 1 and 255 and stream !~ '[[:cntrl:]]'))
        and (version is null or version >= 1)
        and (meta is null or (jsonb_typeof(meta) = 'object' and octet_length(meta::text) <= 16384 and not commitcast.is_too_deep(meta)))
        and set_config('commitcast.events',
              (coalesce(nullif(current_setting('commitcast.events', true), ''), '0')::int + 1)::text, true)::int
            <= coalesce(nullif(current_setting('commitcast.max_events_per_transaction', true), ''), '10000')::int
        then true
      else commitcast.refuse_event(type, data, stream, version, meta, control)
    end
  )
);
--> statement-breakpoint

-- The second table of the two passes: where an outbox row waits until all other deferred work of its COMMIT is done.
create unlogged table commitcast.committing (
  source tid not null,
  -- How often this transaction had fired its triggers too early when the row was queued.
  early int not null default coalesce(nullif(current_setting('commitcast.early', true), ''), '0')::int,
  -- No event: asks whether the trigger of this table is immediate at this moment.
  probe boolean not null default false
);
--> statement-breakpoint

create sequence commitcast.position as bigint cache 1;
--> statement-breakpoint

-- What was committed, in commit order. Append-only; retention drops whole partitions.
create table commitcast.log (
  position bigint not null,
  id uuid not null,
  org_id commitcast.identifier not null,
  site_id commitcast.identifier,
  unit_id commitcast.identifier,
  type text not null,
  data jsonb not null,
  stream text,
  version bigint,
  meta jsonb,
  created_at timestamptz not null,
  committed_at timestamptz not null,
  timeline int not null,
  control boolean not null,
  room text not null generated always as (
    'org:' || org_id || case
      when unit_id is not null then ':unit:' || unit_id
      when site_id is not null then ':site:' || site_id
      else ''
    end
  ) stored,
  primary key (position)
) partition by range (position);
--> statement-breakpoint
create index log_room on commitcast.log (room, position);
--> statement-breakpoint
create index log_org on commitcast.log (org_id, position);
--> statement-breakpoint
-- Unit events that name their site: with the site's own room, what `{ site, deep }` sees.
create index log_site_deep on commitcast.log (org_id, site_id, position) where site_id is not null and unit_id is not null;
--> statement-breakpoint

create function commitcast.refuse_change() returns trigger
language plpgsql as $$
begin
  perform commitcast.refuse('CC005', format('LOG_APPEND_ONLY: commitcast.%s refuses %s', tg_table_name, tg_op));
  return null;
end
$$;
--> statement-breakpoint
create trigger append_only before update or delete or truncate on commitcast.log
for each statement execute function commitcast.refuse_change();
--> statement-breakpoint
alter table commitcast.log enable always trigger append_only;
--> statement-breakpoint
-- What is handed on at the COMMIT is the row as it was inserted: a changed one would be lost without a word. A deleted
-- one is taken back.
create trigger append_only before update on commitcast.outbox
for each statement execute function commitcast.refuse_change();
--> statement-breakpoint
alter table commitcast.outbox enable always trigger append_only;
--> statement-breakpoint

-- One row. `published` is saved lazily; `floor` is the oldest position that is kept; `heartbeat` counts up while a
-- leader lives.
create table commitcast.relay (
  singleton boolean primary key default true check (singleton),
  published bigint not null default 0,
  floor bigint not null default 1,
  leader text,
  heartbeat bigint not null default 0,
  updated_at timestamptz not null default now()
) with (fillfactor = 20);
--> statement-breakpoint
insert into commitcast.relay default values;
--> statement-breakpoint

-- The identities of this database's history, newest last. `previous_end` is the last position of the epoch before.
create table commitcast.epoch (
  epoch text primary key check (epoch ~ '^[a-z2-7]{8}$'),
  ordinal int generated always as identity unique,
  system_identifier bigint not null,
  timeline int not null,
  database_oid oid not null,
  log_oid oid not null,
  previous_end bigint not null,
  opened_at timestamptz not null default now()
);
--> statement-breakpoint

-- The bundled server's answer to "whose user is this". Null `sites` or `units`: all of the org.
create table commitcast.membership (
  user_id text not null,
  org_id commitcast.identifier not null,
  profile_id text,
  email text,
  role text not null default 'member',
  sites text[],
  units text[],
  is_primary boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (user_id, org_id)
);
--> statement-breakpoint

create table commitcast.revocation (
  org_id commitcast.identifier not null,
  user_id text not null,
  site_id commitcast.identifier,
  unit_id commitcast.identifier,
  position bigint not null,
  at timestamptz not null default clock_timestamp()
);
--> statement-breakpoint
create index revocation_user on commitcast.revocation (org_id, user_id);
--> statement-breakpoint

create table commitcast.stream (
  org_id commitcast.identifier not null,
  stream text not null,
  version bigint not null,
  primary key (org_id, stream)
);
--> statement-breakpoint

-- Payloads of the Socket.IO adapter that do not fit into a notification. UNLOGGED: they are read at once or never.
create unlogged table commitcast.attachment (
  id bigint generated always as identity primary key,
  created_at timestamptz not null default now(),
  payload bytea
);
--> statement-breakpoint
create index attachment_created_at on commitcast.attachment (created_at);
--> statement-breakpoint

-- Any role may NOTIFY and LISTEN on any channel whose name it knows. The instances' own has a name that only those who
-- may read this can know: otherwise a writer could join rooms, or speak to browsers, through the Socket.IO adapter.
create table commitcast.adapter (
  singleton boolean primary key default true check (singleton),
  secret text not null default replace(gen_random_uuid()::text, '-', '')
);
--> statement-breakpoint
insert into commitcast.adapter default values;
