import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../../src/embedded/embedded-postgres.ts';

/** The Postgres that all measurements of a run share. */
export interface BenchPostgres {
  /** Of its maintenance database, as a superuser. */
  readonly url: string;
  readonly version: string;
  /** What differs from Postgres' own defaults. */
  readonly settings: Record<string, string>;
  /** So that what one measurement has written is not paid for by the next. */
  checkpoint(): Promise<void>;
  stop(): Promise<void>;
}

/** Durable, as in production: fsync and full_page_writes stay on. Enough memory that no row measures its eviction. */
const settings = { max_connections: '400', shared_buffers: '512MB', max_wal_size: '4GB' };

/** Starts it in this folder, on this core. */
export async function startPostgres(directory: string, core: number | undefined): Promise<BenchPostgres> {
  const server = await startEmbeddedPostgres({ directory, settings });
  try {
    if (core !== undefined) await pin(server.url, core);
    const [version = ''] = await ask(server.url, `select current_setting('server_version')`);
    return {
      url: server.url,
      version,
      settings,
      checkpoint: async () => void (await ask(server.url, 'checkpoint')),
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The postmaster, from which all later processes have their core, and those that run already. */
async function pin(url: string, core: number): Promise<void> {
  const pids = await ask(
    url,
    `select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) union select pid::text from pg_stat_activity
     where pid <> pg_backend_pid()`,
  );
  for (const pid of pids) await promisify(execFile)('taskset', ['-acp', String(core), pid]);
}

/** The first column of a statement, on a connection of its own. */
export async function ask(url: string, statement: string): Promise<string[]> {
  const client = new Client({ connectionString: url, application_name: 'commitcast-bench' });
  await client.connect();
  try {
    const { rows } = await client.query<string[]>({ text: statement, rowMode: 'array' });
    return rows.map(([value]) => String(value));
  } finally {
    await client.end();
  }
}
