import { sql } from 'drizzle-orm';
import type { Pool } from 'pg';
import { orgs } from './orgs.ts';
import type { Recorded } from './recorded.ts';
import { org, site, unit } from './schema.ts';
import { transaction } from './transaction.ts';

/** A demo's tables come and go with the demo, so they are no part of the product's migrations. */
const definition = `
  create schema if not exists commitcast_demo;
  create table if not exists commitcast_demo.org (
    id text primary key,
    name text not null,
    shift integer not null default 0,
    rolled_back integer not null default 0
  );
  create table if not exists commitcast_demo.site (
    org_id text not null references commitcast_demo.org,
    id text not null,
    name text not null,
    alarm boolean not null default false,
    primary key (org_id, id)
  );
  create table if not exists commitcast_demo.unit (
    org_id text not null,
    id text not null,
    site_id text not null,
    name text not null,
    kind text not null,
    temperature_limit double precision not null,
    next_row integer not null,
    readings integer not null default 0,
    temperature double precision,
    alarm boolean not null default false,
    door_open boolean not null default false,
    primary key (org_id, id),
    foreign key (org_id, site_id) references commitcast_demo.site
  );
  alter table commitcast_demo.unit add column if not exists version integer not null default 0;
  create table if not exists commitcast_demo.unit_view (
    org_id text not null,
    unit_id text not null,
    site_id text,
    name text,
    temperature_limit double precision,
    temperature double precision,
    number integer,
    read_at timestamptz(3),
    series double precision[] not null,
    alarm_since timestamptz(3),
    alarms integer not null,
    door_open boolean not null,
    door_by text,
    position bigint not null,
    primary key (org_id, unit_id)
  );
`;

/** Makes what is missing. Any number of processes may call it at once; what the demo has written so far stays. */
export async function createTables(pool: Pool, recorded: readonly Recorded[]): Promise<void> {
  await transaction(pool, async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('commitcast_demo', 0))`);
    await tx.execute(sql.raw(definition));
    await tx.insert(org).values(orgRows()).onConflictDoNothing();
    await tx.insert(site).values(siteRows()).onConflictDoNothing();
    await tx.insert(unit).values(unitRows(recorded)).onConflictDoNothing();
  });
}

function orgRows() {
  return orgs.map(({ id, name }) => ({ id, name }));
}

function siteRows() {
  return orgs.flatMap(({ id: orgId, sites }) => sites.map(({ id, name }) => ({ orgId, id, name })));
}

function unitRows(recorded: readonly Recorded[]) {
  return orgs.flatMap(({ id: orgId, sites }) =>
    sites.flatMap(({ id: siteId, units }) =>
      units.map(({ from, ...rest }) => ({
        orgId,
        siteId,
        ...rest,
        nextRow: Math.max(
          0,
          recorded.findIndex(({ time }) => time === from),
        ),
      })),
    ),
  );
}
