import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, dataOf, parkedOf, untilThrough, writeLines } from './ledger.ts';
import { startWorker } from './start-worker.ts';

const name = 'copy';
const event = (data: number, org: string) => ({ org, type: 'note', data });

it('parks an event that has ended the processes of its handler; every other is handled once', async () => {
  const database = await createDatabase();
  await createLedger(database.pool);
  const server = await startServer(database, { adapter: 'postgres' });
  await append(database.pool, [
    event(1, 'acme'),
    event(2, 'rival'),
    event(3, 'acme'),
    event(4, 'rival'),
    event(5, 'acme'),
  ]);
  const options = { name, maxAttempts: 1, onPoison: 'park-org' } as const;
  const script = { databaseUrl: database.url, options, at: 3, fate: 'exit' } as const;

  // It dies by the page: nobody knows by which event of it.
  await (
    await startWorker(script)
  ).ended;
  expect(await dataOf(database.pool, name)).toEqual([]);
  // The next one tries each alone.
  await (
    await startWorker(script)
  ).ended;
  expect(await dataOf(database.pool, name)).toEqual([1, 2]);

  const seen: unknown[] = [];
  server.app.commitcast.consume(options, async (tx, events) => {
    seen.push(...events.map(({ data }) => data));
    await writeLines(tx, name, events);
  });
  await append(database.pool, event(6, 'rival'));
  await untilThrough(database.pool, name);
  expect(seen).toEqual([4, 6]);
  expect(await dataOf(database.pool, name)).toEqual([1, 2, 4, 6]);
  expect(await parkedOf(database.pool, name)).toMatchObject([
    { position: 3, error: 'the process ended while it handled this event', attempts: 1 },
    { position: 5, error: null },
  ]);

  await database.pool.query(`update commitcast.parked set asked = 'retry' where position = 3`);
  await until(async () => (await parkedOf(database.pool, name)).length === 0);
  expect(await dataOf(database.pool, name)).toEqual([1, 2, 4, 6, 3, 5]);
});
