-- A key and the trace of the append: `meta` may carry the context of the span that appended (`traceparent`, `tracestate`).
-- A retry comes from another span, and is the same append all the same. So the digest of a key, which tells whether events
-- are those of the first time, leaves the context out; what is stored is that of the first time.
--
-- An empty `meta` counts as none: one that had the context only is the same as none before it was given.
create function commitcast.without_trace(event jsonb) returns jsonb
language sql immutable return
  case
    when jsonb_typeof(event->'meta') is distinct from 'object' then event
    when (event->'meta') - '{traceparent,tracestate}'::text[] = '{}' then event - 'meta'
    else jsonb_set(event, '{meta}', (event->'meta') - '{traceparent,tracestate}'::text[])
  end;
--> statement-breakpoint
-- As in 0008_streams.sql, but for the digest.
create or replace function commitcast.append(events jsonb, key text default null, chunk int default 0, chunks int default 1)
returns table (id uuid, version bigint)
language plpgsql security definer set search_path = commitcast, pg_temp as $$
#variable_conflict use_column
declare
  stream_of record;
  orgs text[];
  names text[];
  versions_before bigint[];
  key_org text;
  key_digest text;
  key_row tid;
  known commitcast.append_key%rowtype;
begin
  if key is not null then
    if length(key) not between 1 and 255 or key ~ '[[:cntrl:]]' then
      perform commitcast.refuse('CC001', 'EVENT_INVALID: key has 1 to 255 characters, none of them a control character');
    end if;
    select min(e->>'org'),
      md5(jsonb_build_array(chunks, jsonb_agg(commitcast.without_trace(e - 'expectedVersion') order by n))::text)
    into key_org, key_digest
    from jsonb_array_elements(events) with ordinality as element (e, n)
    having count(distinct e->>'org') = 1;
    if not found then
      perform commitcast.refuse('CC001', 'EVENT_INVALID: events with a key are all of one org');
    end if;
    -- A known one is locked, so that nobody forgets it meanwhile.
    insert into commitcast.append_key as known_key (org_id, key, chunk, digest)
    values (key_org, append.key, append.chunk, key_digest)
    on conflict (org_id, key, chunk) do update set digest = known_key.digest where false
    returning ctid into key_row;
    if not found then
      select * into known from commitcast.append_key k
      where k.org_id = key_org and k.key = append.key and k.chunk = append.chunk;
      -- Digests from before 0014 are of all that `meta` had.
      if known.digest <> key_digest and known.digest <> (
        select md5(jsonb_build_array(chunks, jsonb_agg(e - 'expectedVersion' order by n))::text)
        from jsonb_array_elements(events) with ordinality as element (e, n)
      ) then
        perform commitcast.refuse('CC008', format('KEY_REUSED: the key %s was used before, for other events',
          quote_literal(left(append.key, 80))));
      end if;
      return query select * from unnest(known.ids, known.versions);
      return;
    end if;
  end if;

  for stream_of in
    select e->>'org' as org, e->>'stream' as name, count(*) as events,
      count(distinct e->>'expectedVersion') as opinions,
      min(case e->>'expectedVersion' when 'any' then null when 'none' then 0 else (e->>'expectedVersion')::bigint end) as expected
    from jsonb_array_elements(events) e
    group by 1, 2 order by 1, 2
  loop
    if stream_of.name is null then
      if stream_of.opinions > 0 then
        perform commitcast.refuse('CC001', 'EVENT_INVALID: expectedVersion is that of a stream');
      end if;
      continue;
    elsif stream_of.opinions > 1 then
      perform commitcast.refuse('CC001', 'EVENT_INVALID: the events of one stream in one call expect different versions; expected is that before the call');
    end if;
    versions_before := versions_before
      || commitcast.take_versions(stream_of.org, stream_of.name, stream_of.events, stream_of.expected);
    orgs := orgs || stream_of.org;
    names := names || stream_of.name;
  end loop;

  with inserted as (
    insert into commitcast.outbox (id, org_id, site_id, unit_id, type, data, stream, version, versioned, meta)
    select coalesce((e->>'id')::uuid, gen_random_uuid()), e->>'org', e->>'site', e->>'unit', e->>'type', e->'data', e->>'stream',
      s.version_before + row_number() over (partition by s.org, s.name order by n),
      true, e->'meta'
    from jsonb_array_elements(events) with ordinality as element (e, n)
      left join unnest(orgs, names, versions_before) as s (org, name, version_before)
        on s.org = e->>'org' and s.name = e->>'stream'
    order by n
    returning id, version
  )
  select array_agg(id), array_agg(version) into known.ids, known.versions from inserted;
  if key is not null then
    update commitcast.append_key set ids = known.ids, versions = known.versions where ctid = key_row;
  end if;
  return query select * from unnest(known.ids, known.versions);
end
$$;
--> statement-breakpoint
-- `append` calls it as the owner; nobody else has a use for it.
revoke all on function commitcast.without_trace(jsonb) from public;
