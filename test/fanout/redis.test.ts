import { expect, it, vi } from 'vitest';
import { readDatabaseIdentity } from '../../src/fanout/database-identity.ts';
import { append } from '../../src/log/append.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { prepareRedisServer, startRedisServer } from '../support/redis-server.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { untilConnected } from './cluster.ts';

const database = await createDatabase();

const start = (redisUrl: string, relay = true) =>
  startServer(database, { adapter: 'redis', redisUrl, relay });

const readHealth = async ({ url }: TestServer) => {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, body: await response.json() };
};

const ready = (state: 'ok' | 'unreachable') => ({
  status: 200,
  body: { status: 'ready', database: 'ok', adapter: { name: 'redis', state } },
});

function listen({ socket }: TestClient): unknown[] {
  const heard: unknown[] = [];
  (socket as unknown as NodeJS.EventEmitter).on('note', (data) => heard.push(data));
  return heard;
}

async function connect(server: TestServer) {
  const client = await connectClient(server.url);
  await client.live();
  return client;
}

describeWithTool('redis-server', 'the adapter redis', () => {
  it('is taken when redisUrl is given, and says in /health/ready whether Redis is there; ready it is anyway', async () => {
    const redis = await startRedisServer();
    const server = await startServer(database, { adapter: undefined, redisUrl: redis.url });
    expect(await readHealth(server)).toMatchObject(ready('ok'));
    await redis.kill();
    await until(async () => expect(await readHealth(server)).toMatchObject(ready('unreachable')) ?? true);
    await redis.start();
    await until(async () => expect(await readHealth(server)).toMatchObject(ready('ok')) ?? true);
  });

  it('a Redis that is not there at the start keeps no server from starting; it is told once, without the password', async () => {
    const redis = await prepareRedisServer();
    const address = redis.url.replace('//', '//:hunter2@');
    const lines: unknown[][] = [];
    const [leader, follower] = await Promise.all(
      [true, false].map((relay) =>
        startServer(database, {
          adapter: 'redis',
          redisUrl: address,
          relay,
          setUp: (app) => {
            vi.spyOn(app.log, 'warn').mockImplementation((...line: unknown[]) => void lines.push(line));
          },
        }),
      ),
    );
    if (!leader || !follower) throw new Error('unreachable');
    const clients = [await connect(leader), await connect(follower)];
    const heard = clients.map(listen);
    await append(database.pool, { org: 'acme', type: 'without Redis', data: null });
    for (const client of clients) await until(() => client.events.length === 1);
    leader.app.socketService.emitToOrg('acme', 'note', 'here only');
    await until(() => heard[0]?.length === 1);
    expect((await readHealth(leader)).body).toMatchObject(ready('unreachable').body);

    await redis.start('--requirepass', 'hunter2');
    await untilConnected(leader, follower);
    leader.app.socketService.emitToOrg('acme', 'note', 'everywhere');
    await until(() => heard[1]?.length === 1);
    expect(heard).toEqual([['here only', 'everywhere'], ['everywhere']]);
    expect(lines).toHaveLength(2);
    const told = lines.flat().map((part) => (part instanceof Object ? Object.values(part) : part));
    expect(told.flat().map(String).join()).not.toContain('hunter2');
    expect(JSON.stringify(await readHealth(leader))).not.toContain('hunter2');
  });

  it('a frozen Redis holds back no message from the sockets of this instance, and no stop', async () => {
    const redis = await startRedisServer();
    const server = await start(redis.url);
    const client = await connect(server);
    const heard = listen(client);
    redis.freeze();
    server.app.socketService.emitToOrg('acme', 'note', 1);
    await append(database.pool, { org: 'acme', type: 'event', data: null });
    await until(() => heard.length === 1 && client.events.length === 1, { timeoutMs: 1_900 });
    await until(async () => expect(await readHealth(server)).toMatchObject(ready('unreachable')) ?? true);
    const began = performance.now();
    client.socket.disconnect();
    await server.close();
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('asking the other instances while Redis is away is answered with an error, and ends no process', async () => {
    const redis = await startRedisServer();
    const [one, other] = [await start(redis.url), await start(redis.url, false)];
    await untilConnected(one, other);
    const { io } = one.app.commitcast;
    const client = await connect(other);
    // How many there are was learnt while all was well.
    expect(await io.fetchSockets()).toMatchObject([{ id: client.socket.id }]);
    await redis.kill();
    await until(async () => expect(await readHealth(one)).toMatchObject(ready('unreachable')) ?? true);
    await Promise.all([
      expect(io.fetchSockets()).rejects.toThrow('timeout reached'),
      expect(io.serverSideEmitWithAck('anybody?')).rejects.toThrow('timeout reached'),
    ]);
  });

  it('two databases over one Redis do not hear each other, though one is a copy of the other', async () => {
    const redis = await startRedisServer();
    const elsewhere = await createDatabase();
    const readSecret = 'select secret from commitcast.adapter';
    expect((await elsewhere.pool.query(readSecret)).rows).toEqual(
      (await database.pool.query(readSecret)).rows,
    );
    const stranger = await startServer(elsewhere, { adapter: 'redis', redisUrl: redis.url });
    const [one, other] = [await start(redis.url), await start(redis.url, false)];
    const heard = await Promise.all([stranger, other].map(async (server) => listen(await connect(server))));
    await untilConnected(one, other);
    stranger.app.socketService.emitToOrg('acme', 'note', 'elsewhere');
    one.app.socketService.emitToOrg('acme', 'note', 'here');
    await until(() => heard.every(({ length }) => length > 0));
    expect(heard).toEqual([['elsewhere'], ['here']]);
  });

  it('rubbish on its own channel ends nothing and reaches nobody', async () => {
    const redis = await startRedisServer();
    const server = await start(redis.url);
    const client = await connect(server);
    const { rows } = await database.pool.query<{ secret: string }>('select secret from commitcast.adapter');
    const prefix = `commitcast.io.${rows[0]?.secret}.${await readDatabaseIdentity(database.pool)}`;
    const channel = `${prefix}#/#`;
    const payloads = ['', '{', 'null', '7', '[]', '{}', '\\xc1', '\\xde\\xff'].concat(
      Array.from({ length: 14 }, (_, type) => JSON.stringify({ uid: 'x', nsp: '/', type })),
      Array.from({ length: 14 }, (_, type) => JSON.stringify({ uid: 'x', nsp: '/', type, data: {} })),
    );
    for (const payload of payloads) {
      const answer = await redis.ask(`SPUBLISH ${channel} "${payload.replaceAll('"', '\\"')}"`);
      expect(answer).toBe(':1\r\n');
    }
    await append(database.pool, { org: 'acme', type: 'true', data: null });
    await until(() => client.events.length > 0);
    expect(client.events.map(({ type }) => type)).toEqual(['true']);
    expect(await readHealth(server)).toMatchObject(ready('ok'));
  });
});
