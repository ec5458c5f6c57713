import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { Dispatcher } from '../../src/gateway/dispatcher.ts';
import { append } from '../../src/log/append.ts';
import { readHead } from '../../src/log/head.ts';
import { dropPartitionsBelow, makePartitions } from '../../src/log/partitions.ts';
import { saveRelayState } from '../../src/log/relay-state.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const appendOne = ({ pool }: TestDatabase, type: string) => append(pool, { org: 'acme', type, data: null });

it('P3: an instance that nobody rings finds a new epoch by itself: who has seen nothing that vanished goes on', async () => {
  const database = await createDatabase();
  const server = await startServer(database, { relay: false });
  const client = await connectClient(server.url);
  await client.live();
  await appendOne(database, 'before');
  await until(() => client.events.length === 1);
  const { rows } = await database.pool.query<{ epoch: string }>(
    'select commitcast.open_epoch(true) as epoch',
  );
  const epoch = rows[0]?.epoch;
  await appendOne(database, 'after');
  await until(() => client.events.length === 2);
  await until(() => server.app.commitcast.cursor() === `${epoch}-2`);
  await appendOne(database, 'later');
  await until(() => client.cursor === `${epoch}-3`);
  expect(client.resets).toEqual([]);
  expect(client.positions).toEqual([1, 2, 3]);
});

it('P3: a new epoch is told, once, to who has seen what vanished; it gets what the new history has instead', async () => {
  const database = await createDatabase();
  const server = await startServer(database, { relay: false });
  const client = await connectClient(server.url);
  await client.live();
  for (const type of ['kept', 'gone', 'gone']) await appendOne(database, type);
  await until(() => client.events.length === 3);
  // In one transaction: no dispatcher sees the epoch with another end.
  const connection = await database.connect();
  await connection.query('begin');
  const { rows } = await connection.query<{ epoch: string }>('select commitcast.open_epoch(true) as epoch');
  await connection.query('update commitcast.epoch set previous_end = 1 where epoch = $1', [rows[0]?.epoch]);
  await connection.query('commit');
  await until(() => client.cursor === `${rows[0]?.epoch}-3`);
  expect(client.resets).toEqual([{ reason: 'epoch', cursor: `${rows[0]?.epoch}-1` }]);
  expect(client.positions).toEqual([1, 2, 3, 2, 3]);
});

it('P3: a dispatcher that retention has overtaken says so, and covers nothing of what is gone', async () => {
  const database = await createDatabase();
  const second = 131_073;
  await database.pool.query(`select setval('commitcast.position', ${second - 20}, false)`);
  await makePartitions(database.pool);
  await saveRelayState(database.pool, { leader: 'test', published: second - 21 });
  const entered: boolean[] = [];
  const delivered: number[] = [];
  const dispatcher = new Dispatcher({
    db: database.pool,
    deliver: ({ events }) => delivered.push(...events.map(({ position }) => position)),
    flush: () => undefined,
    onControl: () => undefined,
    enter: (broken) => Promise.resolve(void entered.push(broken)),
    tailBytes: 1_000_000,
    logger: silentLogger,
  });
  await dispatcher.start();
  onTestFinished(() => dispatcher.stop());

  await append(
    database.pool,
    Array.from({ length: 30 }, () => ({ org: 'acme', type: 'x', data: null })),
  );
  const { epoch, last } = await readHead(database.pool);
  await saveRelayState(database.pool, { leader: 'test', published: last });
  expect(await dropPartitionsBelow(await database.connect(), second)).toEqual(['log_1']);
  dispatcher.ring({ epoch, from: last, to: last });
  await until(() => dispatcher.position === last);
  expect(entered).toEqual([false, true]);
  expect(delivered).toEqual(Array.from({ length: 10 }, (_, n) => second + n));
  expect(dispatcher.tail.covers(second - 2)).toBe(false);
});
