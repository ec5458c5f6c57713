import { Client } from 'pg';
import type { Bench } from '../harness/row.ts';

/** A connection for as long as the measurement. */
export async function connectTo(bench: Pick<Bench, 'releasers'>, connectionString: string): Promise<Client> {
  const client = new Client({ connectionString, application_name: 'bench' });
  // A server that ends first ends it, too; whoever has a query in flight hears of it there.
  client.on('error', () => undefined);
  await client.connect();
  bench.releasers.add(() => client.end());
  return client;
}
