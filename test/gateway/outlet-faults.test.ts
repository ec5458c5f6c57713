import { expect, it } from 'vitest';
import type { Socket } from 'socket.io';
import { Dispatcher } from '../../src/gateway/dispatcher.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { lockClass, locks } from '../../src/db/advisory-lock.ts';
import type { Executor } from '../../src/db/executor.ts';
import { append } from '../../src/log/append.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { insertEvent } from '../support/transactions.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { openRawWebSocket } from './raw-websocket.ts';

const event = { org: 'acme', type: 'x', data: null };

it('P4: whom the application’s own listener of the connection has ended gets nothing, however it holds on', async () => {
  const database = await createDatabase();
  const server = await startServer(database, {
    setUp: ({ commitcast }) =>
      // Before ours, which come when the application is ready.
      commitcast.io.on('connection', (socket) => {
        if (socket.handshake.auth['banned'] === true) socket.disconnect();
      }),
  });
  const banned = await openRawWebSocket(server.url);
  banned.sendFrame(`40${JSON.stringify({ token: await signToken(), banned: true })}`);
  await until(() => banned.received().includes('41'));
  const other = await connectClient(server.url);
  await other.live();
  await append(database.pool, event);
  await until(() => other.events.length === 1);
  expect(banned.received()).not.toMatch(/"live"|"events"/);
});

it('P3, P5: an application’s listener that throws costs its own client the connection, and nobody an event', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const faulty = await connectClient(server.url, { options: { reconnection: false } });
  const others = await Promise.all([connectClient(server.url), connectClient(server.url)]);
  await Promise.all([faulty, ...others].map((client) => client.live()));
  const socket = server.app.commitcast.io.of('/').sockets.get(faulty.socket.id ?? '') as Socket;
  socket.onAnyOutgoing(() => {
    throw new Error('a listener of the application');
  });
  await append(database.pool, event);
  await until(() => !socket.connected);
  await append(database.pool, event);
  await until(() => others.every(({ events }) => events.length === 2));
  for (const { positions } of others) expect(positions).toEqual([1, 2]);
});

it('P6: when a gap has closed, nobody looks at the log every other millisecond any more', async () => {
  const database = await createDatabase();
  await openEpoch(database.pool);
  let statements = 0;
  const db: Executor = {
    query: (text, values) => {
      statements += 1;
      return database.pool.query(text, values);
    },
  };
  const dispatcher = new Dispatcher({
    db,
    deliver: () => undefined,
    flush: () => undefined,
    onControl: () => undefined,
    enter: () => Promise.resolve(),
    tailBytes: 100_000,
    logger: silentLogger,
  });
  // A position that is given, to a commit that is not over yet; the one after it is visible.
  const committing = await database.connect();
  await committing.query('select pg_advisory_lock_shared($1, $2)', [lockClass, locks.committing]);
  await database.pool.query(`select nextval('commitcast.position')`);
  await insertEvent(database.pool, 'after the gap');
  await dispatcher.start();
  void dispatcher.look();
  await until(() => statements > 4);
  // It comes.
  await database.pool.query(
    `insert into commitcast.log (position, id, org_id, type, data, created_at, committed_at, timeline, log_oid, control, room)
     select 1, gen_random_uuid(), org_id, 'late', data, created_at, committed_at, timeline, log_oid, control, room
     from commitcast.log where position = 2`,
  );
  await until(() => dispatcher.position === 2);
  const before = statements;
  // Meanwhile it could look as often.
  for (let n = 0; n < 500; n++) await database.pool.query('select 1');
  await dispatcher.stop();
  expect(statements - before).toBeLessThan(20);
});
