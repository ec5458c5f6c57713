import { expect, it, onTestFinished, vi } from 'vitest';
import { inPoolTransaction } from '../../src/consumer/database.ts';
import { freePort } from '../../src/embedded/free-port.ts';
import { attach, type AttachOptions } from '../../src/http/attach.ts';
import { openClient } from '../client/integration/world.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { secret, signToken } from '../support/tokens.ts';
import { once, until } from '../support/until.ts';
import { attachTo, endServer, listen, serverOf } from './attach-server.ts';

const database = await createDatabase();
const jwt = { secret };
const databaseUrl = database.url;

it('P1: what a plain node:http application commits reaches a browser client; what it rolls back does not', async () => {
  const server = serverOf((request, response) => {
    void commitcast
      .append(database.pool, {
        org: 'acme',
        unit: 'truck-7',
        type: 'door.opened',
        data: { url: request.url },
      })
      .then(([id]) => response.end(id));
  });
  const commitcast = await attachTo(server, database);
  const url = await listen(server);
  const client = openClient(url);
  const seen: unknown[] = [];
  client.subscribe({ unit: 'truck-7' }).on('*', ({ data }) => seen.push(data));
  await client.live();
  const rolledBack = inPoolTransaction(database.pool, async (tx) => {
    await commitcast.append(tx, { org: 'acme', unit: 'truck-7', type: 'door.opened', data: 'never' });
    throw new Error('thought better of it');
  });
  await expect(rolledBack).rejects.toThrow('thought better of it');
  await fetch(`${url}/doors/7`);
  await until(() => seen.length > 0);
  expect(seen).toEqual([{ url: '/doors/7' }]);
});

it('gives what the plugin gives: cursor, relay, consumers, the Socket.IO server and its service', async () => {
  const server = serverOf((_request, response) => response.end());
  const commitcast = await attachTo(server, database);
  const url = await listen(server);
  const handled: string[] = [];
  commitcast.consume({ name: 'attached', from: 'now' }, async (_tx, events) => {
    handled.push(...events.map(({ type }) => type));
  });
  commitcast.io.of('/own').on('connection', (socket) => socket.emit('hello', 'of my own'));
  await until(() => commitcast.relay()?.leading);
  const client = await connectClient(url);
  await client.live();
  const notes: unknown[] = [];
  client.socket.on('note' as 'events', (note: unknown) => notes.push(note));
  await until(() => {
    commitcast.socketService.emitToOrg('acme', 'note', 'hi');
    return notes.length > 0;
  });
  const own = client.socket.io.socket('/own').connect();
  onTestFinished(() => void own.disconnect());
  expect(await once(own, 'hello')).toEqual(['of my own']);
  const before = commitcast.cursor();
  await until(async () => {
    await commitcast.append(database.pool, { org: 'acme', type: 'tick', data: null });
    return handled.includes('tick');
  });
  expect(commitcast.cursor()).not.toBe(before);
});

const refused: Record<string, [AttachOptions, problem: string]> = {
  'no database': [{ jwt }, 'exactly one of databaseUrl'],
  'no key': [{ databaseUrl }, 'exactly one of secret'],
  'an unknown key': [{ jwt, databaseUrl, prefx: '/x' } as AttachOptions, 'prefx'],
  'a path that is none': [{ jwt, databaseUrl, path: 'socket.io' }, 'path: begins with a slash'],
  'a prefix with a slash at its end': [{ jwt, databaseUrl, prefix: '/live/' }, 'prefix: begins with a slash'],
  'one place for both': [{ jwt, databaseUrl, path: '/live', prefix: '/live' }, 'two places'],
};

it.each(Object.entries(refused))(
  '%s: CONFIG_INVALID, saying which; the server is as it was',
  async (_name, [options, problem]) => {
    const listener = vi.fn();
    const server = serverOf(listener);
    const failure: unknown = await attach(server, options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
    expect((failure as Error).message).toContain(problem);
    expect(server.listeners('request')).toEqual([listener]);
    expect(server.listeners('upgrade')).toEqual([]);
  },
);

it('a database that cannot be reached rejects, and leaves nothing open', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const listener = vi.fn();
  const server = serverOf(listener);
  const nowhere = `postgres://postgres@127.0.0.1:${await freePort()}/none`;
  await expect(attach(server, { databaseUrl: nowhere, jwt })).rejects.toThrow();
  expect(server.listeners('request')).toEqual([listener]);
  await expectNoLeaks();
});

it.each(['memory', 'postgres'] as const)(
  'close() with clients of every kind, adapter %s: they are told; nothing is left open; the server goes on without',
  async (adapter) => {
    const expectNoLeaks = await watchLeaks(database);
    const listener = vi.fn((_request, response: { end(text: string): void }) => {
      response.end('the application');
    });
    const server = serverOf(listener);
    const url = await listen(server);
    const commitcast = await attachTo(server, database, { adapter });
    const clients = await Promise.all(
      (['websocket', 'polling'] as const).map((transport) =>
        connectClient(url, { options: { reconnection: false, transports: [transport] } }),
      ),
    );
    await Promise.all(clients.map((client) => client.live()));
    const stream = await fetch(`${url}/commitcast/v1/events/stream?access_token=${await signToken()}`);
    const streamed = stream.text();

    await commitcast.close();
    await until(() => clients.every(({ closes }) => closes.length === 1));
    for (const { closes } of clients) expect(closes).toMatchObject([{ code: 'SHUTTING_DOWN', retry: true }]);
    expect(await streamed).toContain('SHUTTING_DOWN');
    expect(server.listeners('request')).toEqual([listener]);
    expect(server.listeners('upgrade')).toEqual([]);
    for (const path of ['/', '/socket.io/?EIO=4&transport=polling', '/commitcast/health/live'])
      expect(await (await fetch(`${url}${path}`)).text()).toBe('the application');
    for (const { socket } of clients) socket.disconnect();
    await endServer(server);
    await expectNoLeaks();
  },
);

it('after close() another one may come, and the clients go on with it: nothing missed, nothing twice', async () => {
  const server = serverOf((_request, response) => response.writeHead(404).end());
  const first = await attachTo(server, database);
  const url = await listen(server);
  const client = await connectClient(url);
  await client.live();
  await first.append(database.pool, { org: 'acme', type: 'first', data: null });
  await until(() => client.events.length === 1);
  await first.close();
  await first.append(database.pool, { org: 'acme', type: 'between', data: null });
  await attachTo(server, database);
  await client.live(2);
  await first.append(database.pool, { org: 'acme', type: 'second', data: null });
  await until(() => client.events.length === 3);
  expect(client.events.map(({ type }) => type)).toEqual(['first', 'between', 'second']);
});

it('says to the logger what goes wrong, and no token', async () => {
  const lines: unknown[][] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push([level, fields, message]);
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const server = serverOf((_request, response) => response.end());
  await attachTo(server, database, {
    logger,
    getUserPrimaryOrganization: () => Promise.reject(new Error('the directory is away')),
  });
  const url = await listen(server);
  const token = await signToken({ org_id: undefined });
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${url}/commitcast/v1/cursor`, { headers })).status).toBe(500);
  expect((await fetch(`${url}/commitcast/v1/nothing?access_token=${token}`)).status).toBe(404);
  expect((await fetch(`${url}/commitcast/v1/%zz?access_token=${token}`)).status).toBe(400);
  const err = expect.objectContaining({ message: 'the directory is away' }) as unknown;
  expect(lines).toContainEqual(['error', expect.objectContaining({ err }), expect.any(String)]);
  expect(JSON.stringify(lines)).not.toContain(token);
  onTestFinished(() => expect(lines.filter(([level]) => level === 'error')).toHaveLength(1));
});
