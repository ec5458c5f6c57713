import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { administer } from '../support/administer.ts';
import { createDatabase } from '../support/database.ts';
import { startPrivateServer } from '../support/private-server.ts';

/** As much of a database as tests of the two passes need. */
export interface PassesDatabase {
  readonly url: string;
  /** A connection that is ended when the test file is done, if the test has not. */
  connect(url?: string): Promise<Client>;
  urlAsMemberOf(...roles: string[]): Promise<string>;
}

const clients = new Set<Client>();

afterAll(async () => {
  await Promise.all([...clients].map((client) => client.end()));
});

/** On a server of the test file's own, on which transactions can be prepared. */
export async function createPreparingDatabase(): Promise<PassesDatabase> {
  const { url } = await startPrivateServer({ max_prepared_transactions: '10', fsync: 'off' });
  await migrate({ connectionString: url });
  return {
    url,
    async connect(as = url) {
      const client = new Client({ connectionString: as });
      client.on('error', () => undefined);
      client.once('end', () => clients.delete(client));
      await client.connect();
      clients.add(client);
      return client;
    },
    async urlAsMemberOf(...roles) {
      const login = `commitcast_test_${randomBytes(6).toString('hex')}`;
      await administer(url, `create role ${login} login password '${login}' in role ${roles.join(', ')}`);
      const other = new URL(url);
      other.username = login;
      other.password = login;
      return other.href;
    },
  };
}

/**
 * The second pass does not go the same way on both: where a transaction can be prepared, it looks at each for whether it is
 * about to be.
 */
export const bothWays: [server: string, create: () => Promise<PassesDatabase>][] = [
  ['on a server without prepared transactions', createDatabase],
  ['on a server with prepared transactions', createPreparingDatabase],
];
