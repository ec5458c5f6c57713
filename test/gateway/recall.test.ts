import { expect, it } from 'vitest';
import { recall } from '../../src/gateway/recall.ts';
import { append } from '../../src/log/append.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { eventOf } from '../../src/log/wire-event.ts';
import { revoke } from '../../src/log/revoke.ts';
import { createDatabase } from '../support/database.ts';
import { connectClient } from '../support/client.ts';
import { startServer } from '../support/server.ts';
import { askInstance } from '../http/ask-status.ts';

const event = (n: number, size = 10) => ({ org: 'acme', type: 'x', data: { n, pad: 'x'.repeat(size) } });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

async function logOf(events: ReturnType<typeof event>[]) {
  const database = await createDatabase();
  const epoch = await openEpoch(database.pool);
  await append(database.pool, events);
  return { database, epoch };
}

it('P3: an instance that starts has the last events in memory, all of those after some position', async () => {
  const { database, epoch } = await logOf(range(1, 900).map((n) => event(n)));
  const tail = await recall(database.pool, { epoch, position: 900 }, 1_000_000);
  expect(tail.covers(0)).toBe(true);
  expect(Array.from(tail.after(890), (said) => said.position)).toEqual(range(891, 900));
  expect(Array.from(tail.after(0), (said) => eventOf(said).data)).toEqual(
    range(1, 900).map((n) => event(n).data),
  );
});

it('it does not reach further back than its bytes allow, and knows that', async () => {
  const { database, epoch } = await logOf(range(1, 900).map((n) => event(n, 1_000)));
  const tail = await recall(database.pool, { epoch, position: 900 }, 700_000);
  expect([tail.covers(650), tail.covers(400), tail.covers(399)]).toEqual([true, true, false]);
  expect(Array.from(tail.after(400), (said) => said.position)).toEqual(range(401, 900));
  expect(tail.room).toBeGreaterThanOrEqual(0);
});

it('P4: control events are not in it', async () => {
  const { database, epoch } = await logOf([event(1)]);
  await revoke(database.pool, { org: 'acme', user: 'somebody' });
  await append(database.pool, event(3));
  const tail = await recall(database.pool, { epoch, position: 3 }, 100_000);
  expect(Array.from(tail.after(0), (said) => said.position)).toEqual([1, 3]);
});

it('what another history had is not in it', async () => {
  const { database } = await logOf([event(1)]);
  const tail = await recall(database.pool, { epoch: 'aaaaaaaa', position: 1 }, 100_000);
  expect([tail.covers(1), tail.covers(0)]).toEqual([true, false]);
});

it('P3: sessions that come back after a restart cost no query of the log', async () => {
  const { database } = await logOf(range(1, 40).map((n) => event(n)));
  await database.pool.query('update commitcast.relay set published = 40');
  const { url } = await startServer(database);
  const { gateway } = await askInstance(url);
  const client = await connectClient(url, { cursor: `${gateway.epoch}-10` });
  await client.live();
  expect(client.positions).toEqual(range(11, 40));
  expect((await askInstance(url)).gateway.replays).toMatchObject({
    memory: { events: 30 },
    log: { pages: 0 },
  });
});
