import { Client } from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import type { MigrationProgress } from '../../src/db/migration-progress.ts';
import { supportName } from '../support/administer.ts';
import type { Random } from '../support/random.ts';
import { judge, type Verdict } from './judge.ts';
import { createDatabaseAt, firstWithStreams, publishesAt } from './old-database.ts';
import { readPast, writePast } from './past.ts';
import { prepareBusiness, startWriters } from './writers.ts';

export interface UpgradeOptions {
  /** Of the server; the database is made, and dropped. */
  readonly serverUrl: string;
  /** The migration that the database has been brought up to. */
  readonly from: number;
  /** Events in its log. */
  readonly past: number;
  readonly random: Random;
  /** Transactions of each writer before the migration, and after it. Default: 20. */
  readonly transactions?: number;
  /** Hears how many events of the past there are. */
  readonly written?: (events: number) => void;
  /** Hears how many transactions there were when the migration begins. */
  readonly begins?: (transactions: number) => void;
  readonly report?: (progress: MigrationProgress) => void;
  /** Gives up: the database goes, and everybody with it. */
  readonly signal?: AbortSignal;
  /** Default: the package's. */
  readonly bringUp?: (url: string, client: Client) => Promise<void>;
}

export interface Upgraded extends Verdict {
  readonly migrateMs: number;
  /** The longest transaction of a writer: it waited for the migration. */
  readonly longestMs: number;
  readonly transactions: number;
}

/** Fills a database of an old version, and brings it up to date while writers run; then judges what became of it. */
export async function upgradeUnderWriters({
  serverUrl,
  from,
  past: pastEvents,
  random,
  transactions = 20,
  written = () => undefined,
  begins = () => undefined,
  report = () => undefined,
  signal,
  bringUp = (connectionString) => migrate({ connectionString, report }),
}: UpgradeOptions): Promise<Upgraded> {
  const database = await createDatabaseAt(serverUrl, from);
  const client = new Client({ connectionString: database.url, application_name: supportName });
  client.on('error', () => undefined);
  const giveUp = () => void database.drop().catch(() => undefined);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await client.connect();
    await prepareBusiness(client);
    // Else there is no past, and nobody writes before it is brought up to date.
    const publishes = publishesAt(from);
    const versions = from >= firstWithStreams;
    if (publishes) await writePast(client, pastEvents, written);
    const past = publishes ? await readPast(client, { versions }) : { end: 0, events: 0, digest: '0' };
    const start = () => startWriters({ url: database.url, random, streams: versions || !publishes });

    let writers = publishes ? start() : undefined;
    await writers?.goOn(transactions);
    begins(writers?.spans.size ?? 0);
    const began = performance.now();
    await bringUp(database.url, client);
    const migrateMs = performance.now() - began;
    writers ??= start();
    await writers.goOn(transactions);
    await writers.stop();

    const verdict = await judge(client, { past, versions, spans: writers.spans });
    return { ...verdict, migrateMs, longestMs: writers.longestMs, transactions: writers.spans.size };
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await client.end();
    await database.drop();
  }
}
