import { readFile } from 'node:fs/promises';
import { expect, inject, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { administer, urlOfDatabase } from '../support/administer.ts';
import { Client } from 'pg';

const folder = new URL('../../migrations/', import.meta.url);

it('streams that were used before they had versions are numbered by their order, and go on from there', async () => {
  const server = inject('postgres').url;
  const name = `commitcast_test_streams_${process.pid}_${Math.floor(performance.now())}`;
  await administer(server, `create database ${name}`);
  onTestFinished(() => administer(server, `drop database ${name} with (force)`));
  const url = urlOfDatabase(server, name);
  const { entries } = JSON.parse(await readFile(new URL('meta/_journal.json', folder), 'utf8')) as {
    entries: { tag: string; when: number }[];
  };
  await administer(
    url,
    `create schema commitcast;
     create table commitcast.migration (id serial primary key, hash text not null, created_at bigint)`,
  );
  for (const { tag, when } of entries.slice(0, 8)) {
    const text = await readFile(new URL(`${tag}.sql`, folder), 'utf8');
    await administer(url, text.replaceAll('--> statement-breakpoint', ''));
    await administer(
      url,
      `insert into commitcast.migration (hash, created_at) values ('${tag}', ${when.toFixed(0)})`,
    );
  }
  const client = new Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  const insert = (stream: string | null, version: number | null) =>
    client.query(
      `insert into commitcast.outbox (org_id, type, data, stream, version) values ('acme', 'x', '1', $1, $2)`,
      [stream, version],
    );
  await insert('a', null);
  await insert('a', 10);
  await insert(null, null);
  await insert('b', 1);
  await insert('a', 10);
  await migrate({ connectionString: url });
  await insert('a', null);
  await insert('b', 2);
  const { rows } = await client.query(
    'select stream, version::int from commitcast.log where stream is not null order by position',
  );
  expect(rows).toEqual(
    [
      ['a', 1],
      ['a', 2],
      ['b', 1],
      ['a', 3],
      ['a', 4],
      ['b', 2],
    ].map(([stream, version]) => ({ stream, version })),
  );
  await expect(client.query('update commitcast.log set type = type')).rejects.toThrow('LOG_APPEND_ONLY');
});
