import { io, type Socket } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import type { ClientToServerEvents, ServerToClientEvents } from '../../src/core/protocol.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

/**
 * A page that keeps its cursor. socket.io-client hands packets out in the next tick; those of a connection that has
 * ended in between it keeps, and hands out when it is connected again: after `auth` has told the cursor.
 */
async function startPage(url: string, forgets: boolean) {
  const token = await signToken();
  const page = { positions: [] as number[], cursor: undefined as string | undefined, connects: 0 };
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, {
    autoConnect: false,
    forceNew: true,
    transports: ['websocket'],
    reconnectionDelay: 20,
    auth: (give) => {
      if (forgets) socket.receiveBuffer = [];
      give({ token, cursor: page.cursor });
    },
  });
  socket.on('events', (events, cursor) => {
    page.positions.push(...events.map(({ position }) => position));
    page.cursor = cursor;
  });
  socket.on('live', ({ cursor }) => {
    page.cursor = cursor;
    page.connects += 1;
  });
  socket.connect();
  onTestFinished(() => {
    socket.disconnect();
  });
  await until(() => page.connects === 1);
  return { page, socket };
}

it.each([
  {
    forgets: true,
    sees: [1, 2, 3],
    what: 'a page that forgets what its client has buffered gets each event once',
  },
  { forgets: false, sees: [1, 2, 2, 3], what: 'one that does not gets it again with its replay' },
])('P3: of what comes in the instant of a disconnect, $what', async ({ forgets, sees }) => {
  const database = await createDatabase();
  const server = await startServer(database);
  const { page, socket } = await startPage(server.url, forgets);
  const event = { org: 'acme', type: 'x', data: null };
  await append(database.pool, event);
  await until(() => page.positions.length === 1);

  // The connection ends after the next message was read, and before it is handed out.
  socket.io.engine.on('data', (data) => {
    if (String(data).includes('"events"')) socket.io.engine.close();
  });
  await append(database.pool, event);
  await until(() => page.connects === 2);
  await append(database.pool, event);
  await until(() => page.positions.includes(3));
  expect(page.positions).toEqual(sees);
});
