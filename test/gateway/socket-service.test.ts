import type { Socket } from 'socket.io';
import { expect, it } from 'vitest';
import { reservedNames } from '../../src/core/protocol.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

/** Notes what comes under the names of this file, in order. */
function listen(client: TestClient): unknown[] {
  const got: unknown[] = [];
  const on = client.socket.on.bind(client.socket) as unknown as (
    name: string,
    listener: (data: unknown) => void,
  ) => void;
  on('note', (data) => got.push(data));
  return got;
}

const socketOf = (server: TestServer, client: TestClient): Socket => {
  const socket = server.app.commitcast.io.of('/').sockets.get(client.socket.id ?? '');
  if (!socket) throw new Error('the client is not connected');
  return socket;
};

it('P4: a message reaches who sees its scope, and nobody of another org with the same ids', async () => {
  const server = await startServer(database);
  const { socketService } = server.app;
  const expected = {
    plain: ['org', 'end'],
    deep: ['org', 'site', 'unit', 'end'],
    site: ['org', 'site', 'end'],
    deepSite: ['org', 'site', 'end'],
    unit: ['org', 'unit', 'end'],
  };
  const wanted = {
    plain: [],
    deep: [{ deep: true }],
    site: [{ site: 's1' }],
    deepSite: [{ site: 's1', deep: true }],
    unit: [{ unit: 'u1' }],
  } as const;
  const all = Object.entries(wanted) as [keyof typeof wanted, (typeof wanted)[keyof typeof wanted]][];
  const clients = await Promise.all(
    all.map(async ([name, subscriptions]) => {
      const client = await connectClient(server.url, { subscriptions: [...subscriptions] });
      await client.live();
      return { name, got: listen(client) };
    }),
  );
  const rival = await connectClient(server.url, {
    token: await signToken({ org_id: 'rival' }),
    subscriptions: [{ deep: true }, { site: 's1', deep: true }, { unit: 'u1' }],
  });
  await rival.live();
  const ofRival = listen(rival);

  socketService.emitToOrg('acme', 'note', 'org');
  socketService.emitToSite('acme', 's1', 'note', 'site');
  socketService.emitToUnit('acme', 'u1', 'note', 'unit');
  socketService.emitToSite('acme', 's2', 'note', 'site of nobody but deep');
  socketService.emitToOrg('rival', 'note', 'own');
  socketService.emitToOrg('acme', 'note', 'end');
  for (const { name, got } of clients) {
    await until(() => got.at(-1) === 'end');
    expect(
      got.filter((data) => data !== 'site of nobody but deep'),
      name,
    ).toEqual(expected[name]);
    expect(got.includes('site of nobody but deep'), name).toBe(name === 'deep');
  }
  await until(() => ofRival.length > 0);
  expect(ofRival).toEqual(['own']);
});

it('names of the wire, too much data and ids that are none are refused with their code, and nothing is sent', async () => {
  const server = await startServer(database);
  const { socketService } = server.app;
  const client = await connectClient(server.url, { subscriptions: [{ deep: true }] });
  await client.live();
  const got: unknown[] = [];
  client.socket.onAny((...values: unknown[]) => got.push(values));

  expect(reservedNames.size).toBeGreaterThan(10);
  for (const name of reservedNames) {
    expect(() => socketService.emitToOrg('acme', name, null), name).toThrow(
      expect.objectContaining({ code: 'EVENT_NAME_RESERVED' }),
    );
  }
  for (const id of [
    '',
    'acme:unit:u1',
    '*',
    'a b',
    "a'",
    'x'.repeat(129),
    7,
    null,
    undefined,
    ['acme'],
  ] as string[]) {
    const invalid = expect.objectContaining({ code: 'EVENT_INVALID' }) as Error;
    expect(() => socketService.emitToOrg(id, 'note', null)).toThrow(invalid);
    expect(() => socketService.emitToSite('acme', id, 'note', null)).toThrow(invalid);
    expect(() => socketService.emitToUnit('acme', id, 'note', null)).toThrow(invalid);
  }
  const overhead = JSON.stringify(['note', '']).length;
  expect(() => socketService.emitToOrg('acme', 'note', 'x'.repeat(7_001 - overhead))).toThrow(
    expect.objectContaining({ code: 'EVENT_TOO_LARGE' }),
  );
  expect(() => socketService.emitToOrg('acme', 'note', 'ü'.repeat(3_500))).toThrow(
    expect.objectContaining({ code: 'EVENT_TOO_LARGE' }),
  );
  for (const data of [1n, { toJSON: () => 1n }, circular()]) {
    expect(() => socketService.emitToOrg('acme', 'note', data)).toThrow(
      expect.objectContaining({ code: 'EVENT_INVALID' }),
    );
  }
  const largest = 'x'.repeat(7_000 - overhead);
  socketService.emitToOrg('acme', 'note', largest);
  await until(() => got.length > 0);
  expect(got).toEqual([['note', largest]]);
});

function circular(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}

it('P4: joinSite, joinUnit and leave go through `authorize`, within the socket’s own org', async () => {
  const server = await startServer(database);
  const { socketService } = server.app;
  const client = await connectClient(server.url, {
    token: await signToken({ sites: ['s1'], units: ['u1'] }),
  });
  await client.live();
  const got = listen(client);
  const socket = socketOf(server, client);

  await socketService.joinSite(socket, 's1');
  await socketService.joinUnit(socket, 'u1');
  await expect(socketService.joinSite(socket, 's2')).rejects.toMatchObject({ code: 'SUBSCRIPTION_DENIED' });
  await expect(socketService.joinUnit(socket, 'u2')).rejects.toMatchObject({ code: 'SUBSCRIPTION_DENIED' });
  await expect(socketService.joinUnit(socket, 'u1:x')).rejects.toMatchObject({
    code: 'SUBSCRIPTION_INVALID',
  });
  expect(new Set(socket.rooms)).toEqual(
    new Set([socket.id, 'org:acme', 'org:acme:site:s1', 'org:acme:unit:u1']),
  );
  socketService.emitToSite('rival', 's1', 'note', 'foreign');
  socketService.emitToSite('acme', 's1', 'note', 1);
  socketService.emitToUnit('acme', 'u1', 'note', 2);
  await socketService.leave(socket, { unit: 'u1' });
  socketService.emitToUnit('acme', 'u1', 'note', 3);
  socketService.emitToOrg('acme', 'note', 'end');
  await until(() => got.at(-1) === 'end');
  expect(got).toEqual([1, 2, 'end']);
});

it('a socket that is gone is refused, and leaves no room behind', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  const socket = socketOf(server, client);
  client.socket.disconnect();
  await until(() => !socket.connected);
  await expect(server.app.socketService.joinUnit(socket, 'u1')).rejects.toMatchObject({
    code: 'SUBSCRIPTION_DENIED',
  });
  expect(server.app.commitcast.io.of('/').adapter.rooms.size).toBe(0);
});
