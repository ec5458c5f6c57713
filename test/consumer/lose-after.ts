import type { TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

export interface Loss {
  /** The last event that is left. */
  position: number;
  /** Where the checkpoint stands in what is left, at most; and what was handled with it. */
  checkpoint: number;
}

/**
 * Makes the database what a lossy failover leaves: the log ends sooner, and so does all that was written with it; another
 * epoch; and no connection is left. In one transaction that nobody's statement overlaps, as none lives through a failover.
 */
export async function loseAfter(database: TestDatabase, { position, checkpoint }: Loss): Promise<void> {
  const client = await database.connect();
  // Whoever is in the way gives way.
  await client.query("set deadlock_timeout = '1min'");
  await client.query('begin');
  const locked = client.query(
    'lock table commitcast.consumer_partition, commitcast.relay, commitcast.log in access exclusive mode',
  );
  // Those who come back wait behind it.
  await disconnect(database, locked);
  const { rows } = await client.query<{ name: string }>('select name from commitcast.partition');
  const tables = ['log', ...rows.map(({ name }) => name)];
  const guard = async (action: 'enable' | 'disable') => {
    for (const table of tables)
      await client.query(`alter table commitcast."${table}" ${action} trigger append_only`);
  };
  await guard('disable');
  await client.query('delete from commitcast.log where position > $1', [position]);
  await guard('enable');
  await client.query("select setval('commitcast.position', $1)", [position]);
  await client.query('update commitcast.relay set published = least(published, $1)', [position]);
  await client.query('update commitcast.consumer_partition set position = least(position, $1)', [checkpoint]);
  await client.query('delete from line where position > $1', [checkpoint]);
  await client.query('select commitcast.open_epoch(true)');
  await client.query('commit');
  await disconnect(database, Promise.resolve());
  await client.end();
}

/** Ends the connections of all but the test, until this is through. */
async function disconnect(database: TestDatabase, through: Promise<unknown>): Promise<void> {
  let isThrough = false;
  const seen = through.then(() => {
    isThrough = true;
  });
  await until(async () => {
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name ~ '^commitcast(?!-test)'`,
    );
    return isThrough;
  });
  await seen;
}
