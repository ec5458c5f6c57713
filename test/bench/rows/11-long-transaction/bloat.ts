import { Client } from 'pg';
import { until } from '../../../support/until.ts';

export interface Bloat {
  /** Dead rows in the tables that are read to hand on. */
  deadInRead: number;
  /** Dead rows in all tables of the schema. */
  dead: number;
  /** Bytes of the tables that hold an event only for a while, with indexes. */
  passing: number;
}

/** Tables as Postgres prints them, with schema; a partitioned one stands for its partitions. */
export interface Tables {
  schema: string;
  read: string[];
  passing: string[];
}

/**
 * What the tables are like now. A session tells its counts about once a second, and when it ends: `whenAlone` waits until
 * nobody else is connected.
 */
export async function readBloat(
  databaseUrl: string,
  { schema, read, passing }: Tables,
  { whenAlone = false } = {},
): Promise<Bloat> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    if (whenAlone) await until(() => isAlone(client), { message: 'all other sessions to end' });
    const { rows } = await client.query<Record<keyof Bloat, string>>(
      `select
         (select sum(n_dead_tup) from pg_stat_all_tables where schemaname = $1) as dead,
         (select sum(n_dead_tup) from pg_stat_all_tables
           where relid in (select relid from unnest($2::regclass[]) root, pg_partition_tree(root)
                           union select unnest($2::regclass[]))) as "deadInRead",
         (select sum(pg_total_relation_size(each)) from unnest($3::regclass[]) each) as passing`,
      [schema, read, passing],
    );
    const row = rows[0];
    return {
      dead: Number(row?.dead),
      deadInRead: Number(row?.deadInRead),
      passing: Number(row?.passing ?? 0),
    };
  } finally {
    await client.end();
  }
}

async function isAlone(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ others: number }>(
    `select count(*)::int as others from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return rows[0]?.others === 0;
}
