import { Client } from 'pg';
import type { Bench } from '../../harness/row.ts';

/** A transaction that has written a row of the business and an event, and then does nothing. Returns what rolls it back. */
export async function holdOpen(
  bench: Bench,
  databaseUrl: string,
  statement: string,
): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'bench long transaction' });
  await client.connect();
  let ended: Promise<void> | undefined;
  const end = () => (ended ??= client.end());
  bench.releasers.add(end);
  await client.query(
    'create table if not exists business (id bigint generated always as identity, name text)',
  );
  await client.query('begin');
  await client.query(`insert into business (name) values ('not yet')`);
  await client.query(statement.replaceAll(/:event\b/g, `'{"due": 0, "n": -1}'`));
  return async () => {
    await client.query('rollback');
    await end();
  };
}
