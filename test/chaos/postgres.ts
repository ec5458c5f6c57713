import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { silentLogger } from '../../src/core/logger.ts';
import { sleep } from '../../src/core/sleep.ts';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { createBusiness } from '../support/business.ts';
import { until } from '../support/until.ts';
import { createReadModels } from './read-model.ts';

/** `application_name` of the run's own questions, which are no victim. */
const adminName = 'chaos-admin';

export type Crash = 'kill -9 of all' | 'immediate shutdown' | 'kill -9 of a backend';
export const crashes: readonly Crash[] = ['kill -9 of all', 'immediate shutdown', 'kill -9 of a backend'];

/** The Postgres of one run: with the schema and the business, and to be crashed. */
export interface ChaosPostgres {
  readonly url: string;
  /** Runs one statement on a connection of its own. */
  query: <Row>(text: string, values?: unknown[]) => Promise<Row[]>;
  /** Crashes the server and lets it recover; resolves with when it let clients in again (`performance.now()`). */
  crash(how: Crash): Promise<number>;
  /** Ends the server and removes its data. Idempotent. */
  stop(): Promise<void>;
}

export async function startChaosPostgres(): Promise<ChaosPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'commitcast-chaos-'));
  const options = {
    directory,
    // Two cores: checkpoints and autovacuum stay as they are, connections suffice for three instances and the run.
    settings: { max_connections: '200', max_prepared_transactions: '10' },
    logger: silentLogger,
  };
  let running = await startEmbeddedPostgres(options);
  const { url } = running;
  const port = Number(new URL(url).port);

  const query = async <Row>(text: string, values: unknown[] = []): Promise<Row[]> => {
    const client = await connect(url);
    try {
      return (await client.query(text, values)).rows as Row[];
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const postgres: ChaosPostgres = {
    url,
    query,
    async crash(how) {
      if (how === 'kill -9 of a backend') {
        // The postmaster ends all others, recovers, and lets clients in again.
        const witness = await connect(url);
        const ended = new Promise((resolve) => witness.once('end', resolve));
        const { rows } = await witness.query<{ pid: number }>(
          `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1`,
        );
        if (!rows[0]) throw new Error('Postgres has no backend to kill');
        process.kill(rows[0].pid, 'SIGKILL');
        await ended;
        return accepting(url);
      }
      if (how === 'immediate shutdown') {
        const pid = await postmasterOf(query);
        process.kill(pid, 'SIGQUIT');
        await until(() => !exists(pid), { message: 'Postgres to be down' });
      }
      await running.kill();
      const back = accepting(url);
      running = await startEmbeddedPostgres({ ...options, port });
      return back;
    },
    async stop() {
      await running.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await migrate({ connectionString: url });
    const client = await connect(url);
    await createBusiness(client);
    await createReadModels(client);
    await openEpoch(client);
    await client.end();
    return postgres;
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: adminName,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function isAccepting(url: string): Promise<boolean> {
  try {
    const client = await connect(url);
    await client.end();
    return true;
  } catch {
    return false;
  }
}

async function accepting(url: string): Promise<number> {
  const deadline = performance.now() + 60_000;
  while (!(await isAccepting(url))) {
    if (performance.now() > deadline) throw new Error('Postgres did not come back in a minute');
    await sleep(5);
  }
  return performance.now();
}

async function postmasterOf(query: ChaosPostgres['query']): Promise<number> {
  const [row] = await query<{ folder: string }>(`select current_setting('data_directory') as folder`);
  const file = await readFile(join(row?.folder ?? '', 'postmaster.pid'), 'utf8');
  return Number(file.split('\n', 1)[0]);
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
