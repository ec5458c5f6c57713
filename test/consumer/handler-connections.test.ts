import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createLedger, expectExactlyOnce, writeLines } from './ledger.ts';
import { createGate } from './operated.ts';

it('handlers that take long keep no other consumer, and no other partition, from getting a connection', async () => {
  const database = await createDatabase();
  await createLedger(database.pool);
  const server = await startServer(database);
  const gate = createGate();
  const names = Array.from({ length: 12 }, (_, n) => `slow-${n}`);
  const at = new Set<string>();
  for (const name of names)
    server.app.commitcast.consume({ name, partitions: 2 }, async (tx, events, { signal }) => {
      await writeLines(tx, name, events);
      at.add(`${name} ${events[0]?.org}`);
      await gate.pass(signal);
    });
  // By their hash, each org is in another partition.
  await append(database.pool, [
    { org: 'org-0', type: 'note', data: 1 },
    { org: 'org-2', type: 'note', data: 2 },
  ]);
  await until(() => at.size === 2 * names.length, { message: 'all handlers at once' });
  const late = 'late';
  server.app.commitcast.consume({ name: late }, (tx, events) => writeLines(tx, late, events));
  await expectExactlyOnce(database.pool, late);
  gate.open();
  for (const name of names) await expectExactlyOnce(database.pool, name);
  expect(at.size).toBe(24);
});
