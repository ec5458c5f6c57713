import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import type { PoolConfig } from 'pg';
import { afterAll, inject } from 'vitest';
import { Releasers } from '../../src/core/service.ts';
import { administer, supportName, urlOfDatabase } from './administer.ts';

/** A database of a test file's own: a clone of the migrated template. Dropped when the file is done. */
export interface TestDatabase {
  /** As the superuser of the run's server. */
  readonly url: string;
  /** Opened at first use, ended by the support. */
  readonly pool: Pool;
  /** A connection that the support ends, if the test has not; as another role with the address of `urlAs`. */
  connect(url?: string): Promise<Client>;
  /** The same database as another role. */
  urlAs(role: string, password: string): string;
  /** The same database as a new login role that is a member of these roles, such as `commitcast_writer`. */
  urlAsMemberOf(...roles: string[]): Promise<string>;
  /** Connections that the support holds now; a leak check does not count them. */
  openConnections(): number;
  /** Ends what the support opened and drops the database, whoever is connected. Idempotent. */
  drop(): Promise<void>;
}

const databases: TestDatabase[] = [];

// Registered when the test file is collected, so that `createDatabase` may be called anywhere in it.
afterAll(async () => {
  await Promise.all(databases.splice(0).map((database) => database.drop()));
});

export async function createDatabase(): Promise<TestDatabase> {
  const server = inject('postgres');
  const name = `commitcast_test_${randomBytes(6).toString('hex')}`;
  await administer(server.url, `create database ${name} template ${server.template}`);
  const database = open(server.url, name);
  databases.push(database);
  // A clone is another database than the template, so its history is another epoch: open it before anybody connects.
  await administer(database.url, 'select commitcast.open_epoch()');
  return database;
}

function open(serverUrl: string, name: string): TestDatabase {
  const url = urlOfDatabase(serverUrl, name);
  const options = { connectionString: url, application_name: supportName };
  const releasers = new Releasers();
  const clients = new Set<Client>();
  const logins: string[] = [];
  let pool: Pool | undefined;
  let dropped: Promise<void> | undefined;

  // Released in reverse order: connections, the database, then the roles that had rights in it.
  releasers.add(async () => {
    for (const login of logins) await administer(serverUrl, `drop role ${login}`);
  });
  releasers.add(() => administer(serverUrl, `drop database if exists ${name} with (force)`));
  releasers.add(async () => {
    await Promise.all([...clients].map((client) => client.end()));
  });

  const urlAs = (role: string, password: string) => {
    const other = new URL(url);
    other.username = role;
    other.password = password;
    return other.href;
  };

  return {
    url,
    urlAs,
    get pool() {
      if (pool) return pool;
      const opened = openPool(options);
      releasers.add(() => endPool(opened));
      pool = opened;
      return opened;
    },
    async connect(as = url) {
      const client = new Client({ ...options, connectionString: as });
      forgiveTermination(client);
      client.once('end', () => clients.delete(client));
      await client.connect();
      clients.add(client);
      return client;
    },
    async urlAsMemberOf(...roles) {
      const login = `commitcast_test_${randomBytes(6).toString('hex')}`;
      const password = randomBytes(12).toString('hex');
      const membership = roles.length > 0 ? `in role ${roles.join(', ')}` : '';
      await administer(serverUrl, `create role ${login} login password '${password}' ${membership}`);
      logins.push(login);
      return urlAs(login, password);
    },
    openConnections: () => clients.size + (pool?.totalCount ?? 0),
    drop: () => (dropped ??= releasers.release()),
  };
}

function openPool(options: PoolConfig): Pool {
  const pool = new Pool({ ...options, max: 20, idleTimeoutMillis: 0 });
  forgiveTermination(pool);
  pool.on('connect', forgiveTermination);
  return pool;
}

/** A pool waits for ever for a client that nobody gives back: say so instead. */
async function endPool(pool: Pool): Promise<void> {
  const taken = pool.totalCount - pool.idleCount;
  const ended = pool.end();
  if (taken > 0) throw new Error(`${taken} clients of the test database's pool were never released`);
  await ended;
}

/** A backend that a test terminates is that test's business: its queries fail, the process lives on. */
function forgiveTermination(emitter: NodeJS.EventEmitter): void {
  emitter.on('error', () => {});
}
