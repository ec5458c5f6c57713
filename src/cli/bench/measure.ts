import { Releasers } from '../../core/service.ts';
import { silentLogger } from '../../core/logger.ts';
import { connect, type Connection } from '../../db/connection.ts';
import { rowsOf, type Executor } from '../../db/executor.ts';
import { migrate } from '../../db/migrate.ts';
import type { Throughput } from './closed-loop.ts';
import { measureDrain, type Drain } from './drain.ts';
import { Follower } from './follower.ts';
import type { Correctness } from './ledger.ts';
import type { Scene } from './scene.ts';
import { measureSettling, type Settling } from './settling.ts';
import { measureCommit, measureRoundTrip } from './single.ts';
import { countChanges, createTables } from './tables.ts';
import { measureWriteTax, type WriteTax } from './write-tax.ts';

const writerCounts = [1, 8, 32];
/** Connections of the relay, and of those who read. */
const besideWriters = 10;

/** What the server is, as far as it bears on the figures. */
export interface ServerFacts {
  version: string;
  fsync: boolean;
  synchronousCommit: string;
  /** Connections that are left for this role. */
  connectionsLeft: number;
}

export interface BenchReport {
  server: ServerFacts;
  secondsPerPoint: number;
  roundTrip: Throughput;
  commit: Throughput;
  writeTax: WriteTax[];
  /** Numbers of writers that the server has no connections for. */
  leftOut: number[];
  settling: Settling;
  drain: Drain;
  events: Correctness;
}

export interface MeasureOptions {
  /** Of a database that is empty, and that nobody else uses. */
  url: string;
  name: string;
  seconds: number;
  signal: AbortSignal;
  say: (step: string) => void;
}

export async function measure({ url, name, seconds, signal, say }: MeasureOptions): Promise<BenchReport> {
  const releasers = new Releasers();
  const opened: Connection[] = [];
  const open = async (): Promise<Connection> => {
    const connection = await connect({
      connectionString: url,
      applicationName: 'commitcast-bench',
      logger: silentLogger,
    });
    releasers.add(() => connection.close());
    return connection;
  };
  try {
    const { client: db } = await open();
    await expectDatabase(db, name);
    say('the schema is made');
    await migrate({ connectionString: url });
    await createTables(db);
    const server = await readServer(db);
    const follower = new Follower({ url, db, signal });
    releasers.add(() => follower.stop());
    await follower.start();
    const scene: Scene = {
      clients: async (count) => {
        while (opened.length < count) opened.push(await open());
        return opened.slice(0, count).map(({ client }) => client);
      },
      follower,
      seconds,
      signal,
      say,
    };
    const leftOut = writerCounts.filter((writers) => writers + besideWriters > server.connectionsLeft);
    const figures = await measureAll(
      scene,
      writerCounts.filter((writers) => !leftOut.includes(writers)),
    );
    say('all events are counted');
    await follower.readAll();
    const events = follower.ledger.compare(await countChanges(db));
    return { server, secondsPerPoint: seconds, ...figures, leftOut, events };
  } finally {
    await releasers.release();
  }
}

async function measureAll(scene: Scene, counts: readonly number[]) {
  const { say } = scene;
  say('the round trip of a statement');
  const roundTrip = await measureRoundTrip(scene);
  say('a commit that waits for the disk');
  const commit = await measureCommit(scene);
  const writeTax: WriteTax[] = [];
  for (const writers of counts) {
    say(`transactions with and without the outbox, ${writers} at a time`);
    writeTax.push(await measureWriteTax(scene, writers));
  }
  say('from a commit to the relay, 100 events a second');
  const settling = await measureSettling(scene);
  say('a backlog of 20,000 events');
  const drain = await measureDrain(scene);
  return { roundTrip, commit, writeTax, settling, drain };
}

/** A proxy may lead every name to the same database: then this would write into that of somebody else. */
async function expectDatabase(db: Executor, name: string): Promise<void> {
  const [row] = await rowsOf<{ name: string }>(db, 'select current_database()::text as name');
  if (row?.name !== name) throw new Error(`asked for the database ${name}, and came to ${row?.name}`);
}

async function readServer(db: Executor): Promise<ServerFacts> {
  const [row] = await rowsOf<ServerFacts>(
    db,
    `select current_setting('server_version') as version, current_setting('fsync') = 'on' as fsync,
       current_setting('synchronous_commit') as "synchronousCommit",
       (current_setting('max_connections')::int
         - case when (select rolsuper from pg_roles where rolname = current_user) then 0
             else current_setting('superuser_reserved_connections')::int end
         - (select count(*) from pg_stat_activity where backend_type = 'client backend'))::int as "connectionsLeft"`,
  );
  if (!row) throw new Error('the server says nothing of itself');
  return row;
}
