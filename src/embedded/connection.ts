import { Client } from 'pg';
import { user } from './initialize.ts';

/** How long a server that says it is ready may take to let us in, and then to answer. */
const connectTimeoutMs = 5_000;
const queryTimeoutMs = 60_000;

export interface Address {
  readonly port: number;
  readonly password: string;
}

/** Runs `work` on a connection of its own. SCRAM proves both ways: we know the password, and so does the server. */
export async function withConnection<Result>(
  { port, password }: Address,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user,
    password,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
  });
  // An error of the connection comes to whoever waits for the query, too.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}

export function urlOf({ port, password }: Address, database: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

export async function createDatabase(address: Address, database: string): Promise<void> {
  await withConnection(address, async (client) => {
    const found = await client.query('select from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`);
  });
}
