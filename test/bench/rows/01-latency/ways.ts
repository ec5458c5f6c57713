/* The ways from a commit to a browser that are compared: what a transaction writes, and what hands it on. */
import { access } from 'node:fs/promises';
import type { Bench } from '../../harness/row.ts';
import { startChild, type Child } from '../../support/child.ts';
import { startServer } from '../../support/server.ts';
import type { SubscribersOptions } from '../../support/subscribers.ts';

export interface Way {
  /** For the writer; default: an insert into the outbox. */
  statement?: string;
  /** The writer tells the server, as there is no database. */
  withoutDatabase?: true;
  clients: NonNullable<SubscribersOptions['kind']>;
  /** Creates what it needs in the database, and starts what hands on. */
  start(bench: Bench, databaseUrl: string): Promise<{ url: string; process: Child }>;
  unavailable?: () => Promise<string | undefined>;
}

export const ours: Way = {
  clients: 'commitcast',
  start: async (bench, databaseUrl) => {
    const process = await startServer(bench, { databaseUrl });
    return { url: process.url, process };
  },
};

export const notify: Way = {
  statement: `select pg_notify('bench', :event)`,
  clients: 'ws',
  start: (bench, databaseUrl) => startProgram(bench, databaseUrl, './notify-server.ts'),
};

/** The server says at once what it is told: nothing is stored. */
export const memory: Way = {
  withoutDatabase: true,
  clients: 'socket.io',
  start: (bench, databaseUrl) => startProgram(bench, databaseUrl, '../02-throughput/emit-server.ts'),
};

/**
 * Each event is a stream of its own, so that writers do not compete for the version of one. After a batch that is not
 * full it waits twice as long as before: `batchSize` is what comes in a few milliseconds.
 */
export function emmett(batchSize: number): Way {
  return peer(
    'emmett',
    '@event-driven-io/emmett-postgresql',
    `select success from emt_append_to_stream(array[gen_random_uuid()::text], array[:event::jsonb], array['{}'::jsonb],
      array['1'], array['bench.ticked'], array['E'], 'bench-' || gen_random_uuid(), 'bench', null, 'emt:default')`,
    { batchSize },
  );
}

export const graphileWorker = peer(
  'graphile-worker',
  'graphile-worker',
  `select from graphile_worker.add_job('emit', :event::json)`,
);

export const transactionalOutbox = peer(
  'pg-transactional-outbox',
  'pg-transactional-outbox',
  `insert into outbox (id, aggregate_type, aggregate_id, message_type, payload)
    values (gen_random_uuid(), 'bench', gen_random_uuid(), 'ticked', :event::jsonb)`,
);

export const skipLocked = peer('skip-locked', 'pg', 'insert into outbox (payload) values (:event::jsonb)');

export const pgBoss = peer(
  'pg-boss',
  'pg-boss',
  `insert into pgboss.job (name, data) values ('emit', :event::jsonb)`,
);

function peer(program: string, npmPackage: string, statement: string, settings?: object): Way {
  const folder = new URL('../../peers/', import.meta.url);
  return {
    statement,
    clients: 'socket.io',
    start: (bench, connectionString) => {
      const given = settings === undefined ? connectionString : { connectionString, ...settings };
      return startProgram(bench, given, `../../peers/${program}.mjs`);
    },
    unavailable: () =>
      access(new URL(`node_modules/${npmPackage}/package.json`, folder)).then(
        () => undefined,
        () => `${npmPackage} is not installed in test/bench/peers`,
      ),
  };
}

async function startProgram(bench: Bench, given: unknown, file: string) {
  const process = startChild(bench, {
    args: [new URL(file, import.meta.url).pathname],
    core: bench.cores.server,
  });
  const port = await process.call<number>('start', given);
  return { url: `http://127.0.0.1:${port}`, process };
}
