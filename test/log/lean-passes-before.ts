import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { inject, onTestFinished } from 'vitest';
import { administer, urlOfDatabase } from '../support/administer.ts';

const folder = new URL('../../migrations/', import.meta.url);

/** A database as the versions before made it: the migrations up to `last`, and the journal that says so. */
export async function migratedUpTo(last: number): Promise<string> {
  const server = inject('postgres').url;
  const name = `commitcast_test_lean_${process.pid}_${Math.floor(performance.now())}`;
  await administer(server, `create database ${name}`);
  onTestFinished(() => administer(server, `drop database ${name} with (force)`));
  const url = urlOfDatabase(server, name);
  const { entries } = JSON.parse(await readFile(new URL('meta/_journal.json', folder), 'utf8')) as {
    entries: { idx: number; tag: string; when: number }[];
  };
  await administer(
    url,
    `create schema commitcast;
     create table commitcast.migration (id serial primary key, hash text not null, created_at bigint)`,
  );
  for (const { idx, tag, when } of entries) {
    if (idx > last) break;
    const text = await readFile(new URL(`${tag}.sql`, folder), 'utf8');
    await administer(
      url,
      `${text.replaceAll('--> statement-breakpoint', '')};
       insert into commitcast.migration (hash, created_at) values ('${tag}', ${when.toFixed(0)})`,
    );
  }
  await administer(url, 'select commitcast.open_epoch()');
  return url;
}

/** A connection that is ended with the test. */
export async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}
