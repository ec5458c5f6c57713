import { EventEmitter, once } from 'node:events';
import { expect, it } from 'vitest';
import type { Session } from '../../src/gateway/session.ts';
import { Turns } from '../../src/gateway/turns.ts';
import { createDatabase } from '../support/database.ts';
import { connectClient } from '../support/client.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const session = {} as Session;

it('requests about one thing are served in their order, others side by side', async () => {
  const turns = new Turns();
  const served: string[] = [];
  const gate = new EventEmitter();
  const slow = turns.take(session, 'a', async () => {
    await once(gate, 'open');
    served.push('first of a');
    throw new Error('refused');
  });
  const next = turns.take(session, 'a', async () => served.push('second of a'));
  await turns.take(session, 'b', async () => served.push('b'));
  gate.emit('open');
  await expect(slow).rejects.toThrow('refused');
  await next;
  expect(served).toEqual(['b', 'first of a', 'second of a']);
});

it('no more requests of a session wait than it may have subscriptions, twice', async () => {
  const turns = new Turns();
  const gate = new EventEmitter();
  const waiting = Array.from({ length: 2_000 }, () => turns.take(session, 'a', () => once(gate, 'open')));
  const refused = turns.take(session, 'b', async () => 'served');
  await expect(refused).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  const opening = setInterval(() => gate.emit('open'));
  await Promise.all(waiting);
  clearInterval(opening);
  expect(await turns.take(session, 'b', async () => 'served')).toBe('served');
});

it('of two new tokens the one that was sent last is in force, however long the first one takes to verify', async () => {
  const database = await createDatabase();
  const held: (() => void)[] = [];
  const verified: string[] = [];
  const server = await startServer(database, {
    jwt: undefined,
    verifyAccessToken: async (role) => {
      if (role === 'slow') await new Promise<void>((resolve) => held.push(resolve));
      verified.push(role);
      return { userId: 'user-1', organizationId: 'acme', role, expiresAt: Date.now() / 1_000 + 600 };
    },
  });
  const client = await connectClient(server.url, { token: 'first' });
  await client.live();
  const renewed = ['slow', 'quick'].map((token) => client.socket.emitWithAck('authenticate', { token }));
  await until(() => held.length === 1);
  // Answered after both have arrived.
  await client.socket.emitWithAck('subscribe', { unit: 'u1' });
  for (const release of held) release();
  expect(await Promise.all(renewed)).toEqual([{ ok: true }, { ok: true }]);
  expect(verified).toEqual(['first', 'slow', 'quick']);
  const [socket] = server.app.commitcast.io.of('/').sockets.values();
  expect(socket?.data).toMatchObject({ role: 'quick' });
});

it('P4: who subscribes and unsubscribes at once is not in the room, however slow `authorize` is', async () => {
  const database = await createDatabase();
  const server = await startServer(database, {
    authorize: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return true;
    },
  });
  const client = await connectClient(server.url);
  await client.live();
  const [subscribed, unsubscribed] = (await Promise.all([
    client.socket.emitWithAck('subscribe', { unit: 'u1' }),
    client.socket.emitWithAck('unsubscribe', { unit: 'u1' }),
  ])) as { ok: boolean }[];
  expect([subscribed?.ok, unsubscribed?.ok]).toEqual([true, true]);
  const rooms = [...server.app.commitcast.io.of('/').adapter.rooms.keys()];
  expect(rooms).toContain('org:acme');
  expect(rooms.filter((room) => room.includes('u1'))).toEqual([]);
});

it('P4: a renewal whose rights cannot be asked ends the session, rather than leave it with those of the old token', async () => {
  const database = await createDatabase();
  const server = await startServer(database, {
    jwt: undefined,
    verifyAccessToken: async (role) => ({
      userId: 'user-1',
      organizationId: 'acme',
      role,
      expiresAt: Date.now() / 1_000 + 600,
    }),
    authorize: ({ role }) => {
      if (role === 'later') throw new Error('nobody answers');
      return true;
    },
  });
  const client = await connectClient(server.url, {
    token: 'first',
    subscriptions: [{ unit: 'u1' }, { unit: 'u2' }],
    options: { reconnection: false },
  });
  await client.live();
  client.socket.emit('authenticate', { token: 'later' }, () => undefined);
  await until(() => client.closes.length === 1);
  expect(client.closes).toMatchObject([{ code: 'RIGHTS_CHANGED', retry: true }]);
  await until(() => server.app.commitcast.io.of('/').sockets.size === 0);
});
