import { expect, it, onTestFinished } from 'vitest';
import { silentLogger, type Logger } from '../../src/core/logger.ts';
import { connect } from '../../src/db/connection.ts';
import { keepRetention } from '../../src/relay/keep-retention.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';

const size = 131_072;

/** A log whose last event is the first one of this partition, and all of which is published. */
async function createLog(partition: number): Promise<TestDatabase> {
  const database = await createDatabase();
  for (let each = 0; each <= partition; each += 1) {
    await database.pool.query(
      `select setval('commitcast.position', ${each * size + 1}, false), commitcast.make_partitions()`,
    );
    await insertEvent(database.pool, 'x');
  }
  await publish(database);
  return database;
}

const publish = (database: TestDatabase) =>
  database.pool.query('update commitcast.relay set published = (select max(position) from commitcast.log)');

function keep(database: TestDatabase) {
  const lines: { fields: unknown; message: string }[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (fields, message) => lines.push({ fields, message }),
    warn: (fields, message) => lines.push({ fields, message }),
  };
  const stopped = new AbortController();
  const open = () =>
    connect({
      connectionString: database.url,
      applicationName: 'commitcast-retention',
      logger: silentLogger,
    });
  const keeping = keepRetention({ open, retentionMs: 1, logger, signal: stopped.signal });
  onTestFinished(async () => {
    stopped.abort();
    await keeping;
  });
  // Other tests write on this server: a snapshot of theirs may make it wait now and then.
  const told = () => lines.filter(({ message }) => !message.startsWith('retention waits'));
  return { told };
}

const begins = async (database: TestDatabase) => {
  const { rows } = await database.pool.query<{ floor: string }>('select floor from commitcast.relay');
  return Number(rows[0]?.floor);
};

it('says what was dropped: how many partitions and positions, since when, in one line; and nothing when none was', async () => {
  const database = await createLog(3);
  const { told } = keep(database);
  const sum = () => {
    const all = told().map(({ fields }) => (fields as { retention: Record<string, number> }).retention);
    const of = (name: string) => all.reduce((total, each) => total + (each[name] ?? 0), 0);
    return { partitions: of('partitions'), positions: of('positions') };
  };
  await until(() => sum().partitions === 3);
  // Less than a line each, unless a pass was cut off.
  expect(sum()).toEqual({ partitions: 3, positions: 3 * size });
  for (const { fields, message } of told()) {
    expect(message).toBe('partitions of the log were dropped: all in them was past the retention');
    const { retention } = fields as { retention: { seconds: number } };
    expect(retention.seconds).toBeGreaterThanOrEqual(0);
  }
  expect(told().at(-1)?.fields).toMatchObject({ retention: { floor: 3 * size + 1 } });
  const before = told().length;

  // Passes that drop nothing go by: the next line is about what was dropped later.
  await database.pool.query(
    `select setval('commitcast.position', ${4 * size + 1}, false), commitcast.make_partitions()`,
  );
  await insertEvent(database.pool, 'y');
  await publish(database);
  await until(async () => (await begins(database)) === 4 * size + 1);
  await until(() => told().length > before);
  expect(told().slice(before)).toMatchObject([{ fields: { retention: { partitions: 1, positions: size } } }]);
});
