import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { layTemporaryTraps, layTraps, watchTraps, type Sprung } from './search-path-traps.ts';
import { bothWays, type PassesDatabase } from './passes-database.ts';

let database: PassesDatabase;
let admin: Client;
let owner: string;
let writer: { url: string; role: string };

const hostile = 'set search_path = evil, pg_catalog, public';

/** What a session finds that it should not, each in a session that is new: a function is compiled at its first use. */
const paths: Record<string, (client: Client) => Promise<unknown>> = {
  'a search path that names pg_catalog late': (client) => client.query(hostile),
  'temporary types': layTemporaryTraps,
  'both, once the session has committed events': async (client) => {
    await client.query(`insert into commitcast.outbox (org_id, type, data) values ('before', 'x', '{}')`);
    await layTemporaryTraps(client);
    await client.query(hostile);
  },
};

async function attack(path: string, url: string): Promise<{ client: Client; sprung: Sprung[] }> {
  const client = await database.connect(url);
  const sprung = watchTraps(client);
  await paths[path]?.(client);
  sprung.length = 0;
  return { client, sprung };
}

const insert = (org: string, columns: Record<string, string> = {}) => {
  const row = { org_id: `'${org}'`, type: `'said'`, data: `'{}'`, ...columns };
  return `insert into commitcast.outbox (${Object.keys(row).join(', ')}) values (${Object.values(row).join(', ')})`;
};

const immediate = 'set constraints all immediate';

/** Transactions of a writer, and how many events they publish. */
const commits: Record<string, { steps: (org: string) => string[]; events: number }> = {
  'a plain event': { steps: (org) => [insert(org)], events: 1 },
  'every column': {
    steps: (org) => [
      insert(org, {
        id: `'${randomUUID()}'`,
        site_id: `'s'`,
        unit_id: `'u'`,
        meta: `'{"a": 1}'`,
        created_at: `'2026-01-01'`,
      }),
    ],
    events: 1,
  },
  'data of more than 512 bytes': {
    steps: (org) => [insert(org, { data: `'"${'x'.repeat(9_000)}"'` })],
    events: 1,
  },
  'an event of a stream': { steps: (org) => [insert(org, { stream: `'s'` })], events: 1 },
  'an event with its version': {
    steps: (org) => [
      insert(org, { stream: `'s'`, version: '1' }),
      insert(org, { stream: `'s'`, version: '2' }),
    ],
    events: 2,
  },
  'events by the function': {
    steps: (org) => [
      `select commitcast.lock_streams('[{"org": "${org}", "stream": "s"}]')`,
      `select commitcast.append('[{"org": "${org}", "type": "x", "data": 1, "stream": "s", "expectedVersion": "none"}]', 'key-${org}')`,
    ],
    events: 1,
  },
  'a revocation': { steps: (org) => [`select commitcast.revoke('${org}', 'kim')`], events: 1 },
  'constraints made immediate': {
    steps: (org) => [insert(org), immediate, insert(org), immediate, insert(org)],
    events: 3,
  },
  'constraints made immediate in a savepoint': {
    steps: (org) => ['savepoint s', insert(org), immediate, 'rollback to s', insert(org), immediate],
    events: 1,
  },
  'synchronous_commit = off': { steps: (org) => ['set synchronous_commit = off', insert(org)], events: 1 },
};

const refusals: Record<string, { columns: Record<string, string>; state: string }> = {
  'an empty type': { columns: { type: `''` }, state: 'CC001' },
  'a reserved type': { columns: { type: `'commitcast.revoked'` }, state: 'CC003' },
  'a control event': { columns: { type: `'commitcast.revoked'`, control: 'true' }, state: '42501' },
  'another transaction': { columns: { tx: `'7'` }, state: '42501' },
  'a time without end': { columns: { created_at: `'infinity'` }, state: 'CC001' },
  'an org that is none': { columns: { org_id: `'a:b'` }, state: 'CC001' },
  'large data': { columns: { data: `'"${'x'.repeat(262_144)}"'` }, state: 'CC002' },
  'deep data': { columns: { data: `'${'['.repeat(600)}${']'.repeat(600)}'` }, state: 'CC001' },
  'a list as meta': { columns: { meta: `'[]'` }, state: 'CC001' },
  'a version without a stream': { columns: { version: '1' }, state: 'CC001' },
  'a stream without a name': { columns: { stream: `''` }, state: 'CC001' },
  'another version': { columns: { stream: `'s'`, version: '9' }, state: 'CC007' },
};

const eventsOf = async (org: string) => {
  const { rows } = await admin.query('select from commitcast.log where org_id = $1', [org]);
  return rows.length;
};

const endOfPartitions = async () => {
  const { rows } = await admin.query<{ ending: string }>(
    'select max(to_position) as ending from commitcast.partition',
  );
  return Number(rows[0]?.ending);
};

describe.each(bothWays)('%s,', (_server, create) => {
  beforeAll(async () => {
    database = await create();
    admin = await database.connect();
    const url = await database.urlAsMemberOf('commitcast_writer');
    writer = { url, role: new URL(url).username };
    const { rows } = await admin.query<{ owner: string }>(
      `select pg_get_userbyid(relowner) as owner from pg_class where oid = 'commitcast.outbox'::regclass`,
    );
    owner = rows[0]?.owner ?? '';
    await admin.query(`create schema evil authorization ${writer.role}`);
    await admin.query('grant usage on schema evil to public');
    const client = await database.connect(writer.url);
    await layTraps(client);
    await client.end();
  });

  describe.each(Object.keys(paths))('P4: with %s, a writer runs nothing of its own as the owner:', (path) => {
    it.each(Object.entries(commits))('%s', async (_, { steps, events }) => {
      const org = randomUUID();
      const { client, sprung } = await attack(path, writer.url);
      for (const step of ['begin', ...steps(org), 'commit']) await client.query(step);
      expect(sprung.filter(({ as }) => as !== writer.role)).toEqual([]);
      expect(await eventsOf(org)).toBe(events);
      await client.end();
    });

    it.each(Object.entries(refusals))('%s, which is refused', async (_, { columns, state }) => {
      const org = randomUUID();
      const { client, sprung } = await attack(path, writer.url);
      await expect(client.query(insert(org, columns))).rejects.toMatchObject({ code: state });
      expect(sprung.filter(({ as }) => as !== writer.role)).toEqual([]);
      expect(await eventsOf(org)).toBe(0);
      await client.end();
    });

    it('one event more than a transaction may have, which is refused', async () => {
      const { client, sprung } = await attack(path, writer.url);
      await client.query('begin; set local commitcast.max_events_per_transaction = 1');
      await client.query(insert('many'));
      await expect(client.query(insert('many'))).rejects.toMatchObject({ code: 'CC004' });
      expect(sprung.filter(({ as }) => as !== writer.role)).toEqual([]);
      await client.end();
    });

    it('an event whose position has new partitions made', async () => {
      const org = randomUUID();
      const { client, sprung } = await attack(path, writer.url);
      const before = await endOfPartitions();
      await admin.query(`select setval('commitcast.position', $1, false)`, [before - 1025]);
      await client.query(insert(org));
      expect(sprung.filter(({ as }) => as !== writer.role)).toEqual([]);
      expect(await eventsOf(org)).toBe(1);
      expect(await endOfPartitions()).toBeGreaterThan(before);
      await client.end();
    });

    it('an event that the owner itself takes back', async () => {
      const org = randomUUID();
      const { client, sprung } = await attack(path, database.url);
      await client.query(`begin; ${insert(org)}`);
      await client.query(
        'delete from commitcast.outbox where tx operator(pg_catalog.=) pg_catalog.pg_current_xact_id()',
      );
      await client.query(insert(org));
      await client.query('commit');
      expect(sprung).toEqual([]);
      expect(await eventsOf(org)).toBe(1);
      await client.end();
    });
  });

  describe('the traps', () => {
    it.each<[string, string, string]>([
      [
        'functions',
        'a search path that names pg_catalog late',
        `return pg_catalog.concat(length('abc'), clock_timestamp())`,
      ],
      ['operators', 'a search path that names pg_catalog late', `return ('a' = 'b') or (7::bigint % 2 = 1)`],
      [
        'types of a schema',
        'a search path that names pg_catalog late',
        `return pg_catalog.now()::timestamptz`,
      ],
      ['temporary types', 'temporary types', `return pg_catalog.now()::timestamptz`],
    ])('would be sprung as the owner: %s', async (_, path, body) => {
      const name = `careless_${randomUUID().replaceAll('-', '')}`;
      await admin.query(`create function public.${name}() returns text language plpgsql security definer as
      $$ begin ${body}; end $$`);
      const { client, sprung } = await attack(path, writer.url);
      await client.query(`select public.${name}()`);
      expect(sprung.map(({ as }) => as)).toContain(owner);
      await client.end();
    });
  });

  it('runs as the owner only what has a search path of its own, but for three triggers that are held by these tests', async () => {
    const { rows } = await admin.query<{ name: string }>(
      `select proname as name from pg_proc where pronamespace = 'commitcast'::regnamespace and prosecdef
       and not exists (select from unnest(proconfig) setting where setting like 'search_path=%pg_temp') order by 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(['give_position', 'guard_event', 'hand_on']);
  });
});
