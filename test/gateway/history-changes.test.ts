import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { Dispatcher } from '../../src/gateway/dispatcher.ts';
import { append } from '../../src/log/append.ts';
import { readHead } from '../../src/log/head.ts';
import { dropPartitionsBelow, makePartitions } from '../../src/log/partitions.ts';
import { saveRelayState } from '../../src/log/relay-state.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

it('P3: an instance that nobody rings finds a new epoch by itself, and tells who is live', async () => {
  const database = await createDatabase();
  const server = await startServer(database, { relay: false });
  const client = await connectClient(server.url);
  const before = await client.live();
  await database.pool.query('select commitcast.open_epoch(true)');
  const after = await client.live(2);
  expect(client.resets).toEqual([{ reason: 'epoch', cursor: after.cursor }]);
  expect(after.cursor.split('-')[0]).not.toBe(before.cursor.split('-')[0]);
});

it('P3: a dispatcher that retention has overtaken says so, and covers nothing of what is gone', async () => {
  const database = await createDatabase();
  const second = 131_073;
  await database.pool.query(`select setval('commitcast.position', ${second - 20}, false)`);
  await makePartitions(database.pool);
  await saveRelayState(database.pool, { leader: 'test', published: second - 21 });
  const resets: string[] = [];
  const delivered: number[] = [];
  const dispatcher = new Dispatcher({
    db: database.pool,
    deliver: (_rooms, events) => delivered.push(...events.map(({ position }) => position)),
    onReset: (reason) => resets.push(reason),
    onVolume: () => undefined,
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
  expect(resets).toEqual(['expired']);
  expect(delivered).toEqual(Array.from({ length: 10 }, (_, n) => second + n));
  expect(dispatcher.tail.covers(second - 2)).toBe(false);
});
