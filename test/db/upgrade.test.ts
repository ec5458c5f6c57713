import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { expect, inject, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { administer, urlOfDatabase } from '../support/administer.ts';
import { until } from '../support/until.ts';

const folder = new URL('../../migrations/', import.meta.url);

interface Entry {
  tag: string;
  when: number;
}

/** A database as the first version made it: five migrations, and the journal that says so. */
async function firstVersion(): Promise<string> {
  const server = inject('postgres').url;
  const name = `commitcast_test_upgrade_${process.pid}_${Math.floor(performance.now())}`;
  await administer(server, `create database ${name}`);
  onTestFinished(() => administer(server, `drop database ${name} with (force)`));
  const url = urlOfDatabase(server, name);
  const { entries } = JSON.parse(await readFile(new URL('meta/_journal.json', folder), 'utf8')) as {
    entries: Entry[];
  };
  await administer(
    url,
    `create schema commitcast;
     create table commitcast.migration (id serial primary key, hash text not null, created_at bigint)`,
  );
  for (const { tag, when } of entries.slice(0, 5)) {
    const text = await readFile(new URL(`${tag}.sql`, folder), 'utf8');
    await administer(url, text.replaceAll('--> statement-breakpoint', ''));
    await administer(
      url,
      `insert into commitcast.migration (hash, created_at) values ('${tag}', ${when.toFixed(0)})`,
    );
  }
  return url;
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const event = `insert into commitcast.outbox (org_id, type, data) values ('acme', 'x', '{}')`;

it('P1, P5: the first version is brought up to date under writers and beside an open reader; no commit fails', async () => {
  const url = await firstVersion();
  const admin = await connect(url);
  await admin.query(event);
  const reader = await connect(url);
  await reader.query('begin; select from commitcast.log');

  const stop = new AbortController();
  let commits = 1;
  const writers = Promise.all(
    Array.from({ length: 6 }, async () => {
      const client = await connect(url);
      while (!stop.signal.aborted) {
        await client.query('begin');
        await client.query(event);
        await client.query('commit');
        commits += 1;
      }
    }),
  );
  writers.catch(() => undefined);
  const waits: unknown[] = [];
  const logger = { trace() {}, debug() {}, info() {}, error() {}, fatal() {}, warn: () => waits.push(1) };
  const migrated = migrate({ connectionString: url, logger });
  migrated.catch(() => undefined);
  // It has met the reader, and let the writers go on.
  await until(() => waits.length > 0);
  const before = commits;
  await until(() => commits > before + 20);
  await reader.query('commit');
  await migrated;
  const after = commits;
  await until(() => commits > after + 20);
  stop.abort();
  await writers;

  const { rows } = await admin.query<{ count: string; stamped: string }>(
    `select count(*), count(*) filter (where log_oid = 'commitcast.log'::regclass) as stamped from commitcast.log`,
  );
  expect(rows).toEqual([{ count: String(commits), stamped: String(commits) }]);
});
