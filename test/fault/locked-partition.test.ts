import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { makePartitions } from '../../src/log/partitions.ts';
import { saveRelayState } from '../../src/log/relay-state.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

it('P5: whoever holds an old partition, as VACUUM FULL does, holds up no delivery', async () => {
  const database = await createDatabase();
  const second = 131_073;
  await database.pool.query(`select setval('commitcast.position', ${second + 5}, false)`);
  await makePartitions(database.pool);
  await saveRelayState(database.pool, { leader: 'test', published: second + 4 });
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  const event = { org: 'acme', type: 'x', data: null };
  await append(database.pool, event);
  await until(() => client.events.length === 1);

  const holder = await database.connect();
  await holder.query('begin');
  await holder.query('lock table only commitcast.log_1 in access exclusive mode');
  await append(database.pool, [event, event]);
  // Less than after what our own statements would give up.
  await until(() => client.events.length === 3, { timeoutMs: 5_000 });
  await holder.query('rollback');
  expect(client.positions).toEqual([second + 5, second + 6, second + 7]);
});
