import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { connect } from '../../src/db/connection.ts';
import { hasPartitionsAhead } from '../../src/log/partitions.ts';
import { keepHouse } from '../../src/relay/keep-house.ts';
import { createDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

it('partitions that could not be made while somebody dropped others are made right afterwards', async () => {
  const database = await createDatabase();
  const position = 131_072 + 5;
  await database.pool.query(`select setval('commitcast.position', $1)`, [position]);
  const dropper = await database.connect();
  // PARTITION, as `withoutMakers` holds it.
  await dropper.query('select pg_advisory_lock(1668246893, 5)');

  const stopped = new AbortController();
  const keeping = keepHouse({
    open: () =>
      connect({
        connectionString: database.url,
        applicationName: 'commitcast-housekeeping',
        logger: silentLogger,
      }),
    head: () => position,
    logger: silentLogger,
    signal: stopped.signal,
  });
  onTestFinished(async () => {
    stopped.abort();
    await keeping;
  });
  await until(
    async () => {
      const { rowCount } = await database.pool.query(
        `select from pg_stat_activity where datname = current_database() and state = 'idle'
         and application_name = 'commitcast-housekeeping' and query like '%partition%'`,
      );
      return rowCount === 1;
    },
    { message: 'an attempt' },
  );
  expect(await hasPartitionsAhead(database.pool, position)).toBe(false);

  await dropper.query('select pg_advisory_unlock_all()');
  await until(() => hasPartitionsAhead(database.pool, position), { message: 'partitions ahead' });
});
