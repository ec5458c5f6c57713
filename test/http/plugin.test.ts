import { drizzle } from 'drizzle-orm/node-postgres';
import Fastify from 'fastify';
import { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../src/embedded/free-port.ts';
import { commitcast, type CommitcastOptions } from '../../src/http/plugin.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startServer } from '../support/server.ts';
import { createSigningKeys, secret } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const databaseUrl = database.url;
const jwt = { secret };

const { publicPem } = await createSigningKeys('ES256');
const notAPool = {} as Pool;
const twoPools = new Pool({ connectionString: databaseUrl });
const badOptions: Record<string, [CommitcastOptions, problem: string]> = {
  'no database': [{ jwt }, 'exactly one of databaseUrl, pool and db'],
  'two databases': [{ jwt, databaseUrl, pool: twoPools }, 'exactly one of databaseUrl, pool and db'],
  'an empty address': [{ jwt, databaseUrl: '' }, 'databaseUrl'],
  'a pool that is none': [{ jwt, pool: notAPool }, 'pool: must be a pool of pg'],
  'a database that is none': [{ jwt, db: { $client: notAPool } }, 'db: must be a drizzle database'],
  'an unknown key': [{ jwt, databaseUrl, databaseURL: 'x' } as CommitcastOptions, 'databaseURL'],
  'an unknown key of jwt': [{ jwt: { ...jwt, algorithm: 'none' } as typeof jwt, databaseUrl }, 'algorithm'],
  'an unknown adapter': [{ jwt, databaseUrl, adapter: 'carrier-pigeon' as 'memory' }, 'adapter'],
  'the adapter redis without an address': [{ jwt, databaseUrl, adapter: 'redis' }, 'redisUrl is needed'],
  'a Redis for another adapter': [
    { jwt, databaseUrl, adapter: 'postgres', redisUrl: `redis://:${secret}@localhost` },
    'redisUrl is needed',
  ],
  'an address that is no Redis': [
    { jwt, databaseUrl, redisUrl: `http://:${secret}@localhost` },
    'redisUrl: must',
  ],
  'a callback that is none': [
    { jwt, databaseUrl, authorize: true as never },
    'authorize: must be a function',
  ],
  'a number out of range': [
    { jwt, databaseUrl, checkpointIntervalMs: 1, tailBytes: -1 },
    'checkpointIntervalMs',
  ],
  'no key': [{ databaseUrl }, 'exactly one of secret, public key and JWKS address'],
  'two keys': [{ databaseUrl, jwt: { secret, publicKey: publicPem } }, 'exactly one of secret'],
  'a short secret': [{ databaseUrl, jwt: { secret: 'x'.repeat(31) } }, 'fewer than 32 bytes'],
  'a key that is none': [{ databaseUrl, jwt: { publicKey: 'rubbish' } }, 'no PEM'],
  'a JWKS address that is none': [{ databaseUrl, jwt: { jwksUrl: 'rubbish' } }, 'JWKS address'],
};

it.each(Object.entries(badOptions))(
  '%s: CONFIG_INVALID at registration, saying which',
  async (_name, [options, problem]) => {
    const app = Fastify();
    const failure = await Promise.resolve(app.register(commitcast, options))
      .then(
        () => app.ready().then(() => undefined),
        (error: unknown) => error,
      )
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
    expect((failure as Error).message).toContain(problem);
    expect((failure as Error).message).not.toContain(secret);
    await app.close();
  },
);

it('every problem is in the one error', async () => {
  const options = {
    jwt,
    databaseUrl,
    adapter: 'x',
    relay: 'yes',
    authorize: 1,
  } as unknown as CommitcastOptions;
  const failure = await Promise.resolve(Fastify().register(commitcast, options)).catch(
    (error: unknown) => error,
  );
  expect((failure as Error).message).toMatch(/relay.*\n?.*|adapter/);
  for (const name of ['adapter', 'relay', 'authorize']) expect((failure as Error).message).toContain(name);
});

it.each(['pool', 'db'] as const)(
  'a %s handed in is taken for its address; it is never used up, never closed',
  async (kind) => {
    const pool = new Pool({ connectionString: databaseUrl, max: 1 });
    onTestFinished(() => pool.end());
    // The application keeps its only connection for itself.
    const taken = await pool.connect();
    const app = Fastify();
    await app.register(commitcast, {
      jwt,
      adapter: 'memory',
      ...(kind === 'pool' ? { pool } : { db: drizzle(pool) }),
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const client = await connectClient(url);
    await client.live();
    await app.commitcast.append(taken, { org: 'acme', type: kind, data: null });
    await until(() => client.events.some(({ type }) => type === kind));
    await app.close();
    taken.release();
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  },
);

it('the application is decorated at once, before it is ready', async () => {
  const app = Fastify();
  await app.register(commitcast, { databaseUrl, jwt, adapter: 'memory' });
  expect(app.commitcast.append).toBeTypeOf('function');
  expect(app.commitcast.io.of('/')).toBeDefined();
  expect(app.commitcast.relay()).toBeUndefined();
  expect(() => app.socketService.emitToOrg('acme', 'note', 'nobody is here yet')).not.toThrow();
  await app.close();
});

it('an application that never became ready closes all the same', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const app = Fastify();
  await app.register(commitcast, { databaseUrl, jwt });
  await app.close();
  await expectNoLeaks();
});

it('an unreachable database rejects app.ready() and app.listen(), and leaves nothing open', async () => {
  const port = await freePort();
  for (const url of [`postgres://postgres@127.0.0.1:${port}/none`, `${databaseUrl}_that_is_not_there`]) {
    const expectNoLeaks = await watchLeaks(database);
    for (const start of ['ready', 'listen'] as const) {
      const app = Fastify();
      await app.register(commitcast, { databaseUrl: url, jwt, adapter: 'postgres' });
      const starting = start === 'ready' ? Promise.resolve(app.ready()) : app.listen({ port: 0 });
      await expect(starting, start).rejects.toThrow();
      // Not even `close` is needed.
      await expectNoLeaks();
      await app.close();
    }
  }
});

it('`migrate: false` on an empty database is refused with SCHEMA_MISSING', async () => {
  const empty = new URL(databaseUrl);
  empty.pathname = '/template1';
  const app = Fastify();
  await app.register(commitcast, { databaseUrl: empty.href, jwt, migrate: false });
  await expect(Promise.resolve(app.ready())).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
  await app.close();
});

it('errors of the application’s own routes stay its own', async () => {
  const server = await startServer(database, {});
  await server.close();
  const app = Fastify();
  await app.register(commitcast, { databaseUrl, jwt, adapter: 'memory' });
  app.get('/own', () => Promise.reject(Object.assign(new Error('mine'), { statusCode: 418 })));
  const answer = await app.inject('/own');
  expect(answer.statusCode).toBe(418);
  expect(answer.json()).toMatchObject({ message: 'mine' });
  await app.close();
});
