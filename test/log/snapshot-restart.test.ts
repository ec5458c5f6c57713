import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { snapshot } from '../../src/log/snapshot.ts';
import { createDatabase } from '../support/database.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';

it('loses no connection of the pool, and no event, while the server is killed and started again', async () => {
  const postgres = await startPrivateServer();
  await migrate({ connectionString: postgres.url });
  const pool = new Pool({ connectionString: postgres.url, max: 3 });
  pool.on('error', () => undefined);
  onTestFinished(() => pool.end());

  const stop = new AbortController();
  const outcomes = { whole: 0, failed: 0, torn: 0 };
  const look = async () => {
    while (!stop.signal.aborted) {
      try {
        const whole = await snapshot(pool, async (tx, cursor) => {
          const { rows } = await tx.query<{ count: string }>(
            `select count(*) from commitcast.log where position > $1`,
            [cursor.split('-')[1]],
          );
          return rows[0]?.count === '0';
        });
        outcomes[whole ? 'whole' : 'torn']++;
      } catch {
        outcomes.failed++;
        await until(() => stop.signal.aborted || pool.query('select 1').then(() => true));
      }
    }
  };
  // More than the pool has connections: some are always waiting for one.
  const looking = Array.from({ length: 6 }, look);
  for (let round = 1; round <= 2; round++) {
    await insertEvent(pool, `round-${round}`);
    const { whole, failed } = outcomes;
    await until(() => outcomes.whole > whole + 20);
    await postgres.kill();
    await until(() => outcomes.failed > failed);
    await postgres.start();
    await until(() => pool.query('select 1').then(() => true));
  }
  stop.abort();
  await Promise.all(looking);

  expect(outcomes.torn).toBe(0);
  expect(pool.waitingCount).toBe(0);
  expect(pool.idleCount).toBe(pool.totalCount);
  const types = await snapshot(pool, async (tx) => {
    const { rows } = await tx.query<{ type: string }>('select type from commitcast.log order by position');
    return rows.map(({ type }) => type);
  });
  expect(types).toEqual(['round-1', 'round-2']);
});

it('survives a server that says in one packet that it is ready, and that it ends', async () => {
  const database = await createDatabase();
  const dying = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      const fields = Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0');
      const fatal = Buffer.concat([Buffer.from([0x45, 0, 0, 0, fields.length + 4]), fields]);
      // AuthenticationOk and ReadyForQuery.
      const ready = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);
      socket.end(Buffer.concat([ready, fatal]));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void dying.close());
  await once(dying, 'listening');
  const { port } = dying.address() as AddressInfo;
  const pool = new Pool({ host: '127.0.0.1', port, user: 'nobody', max: 1 });
  onTestFinished(() => pool.end());
  pool.on('error', () => undefined);
  // What is asked before the transaction is answered, so that only the transaction meets the dying server.
  pool.query = database.pool.query.bind(database.pool);

  await expect(snapshot(pool, () => 'never')).rejects.toThrow();
  await until(() => pool.totalCount === 0);
});
