import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { codes } from '../../../src/core/codes.ts';
import { passing } from '../../../src/client/passing.ts';
import { createDatabase } from '../../support/database.ts';
import { startServer } from '../../support/server.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import { expectExactly, keptStore, openClient, record, truth, write, writeMany } from './world.ts';

it('`close()` waits for the event in hand; nothing comes after it', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const handle = client.subscribe({ deep: true });
  let release: (() => void) | undefined;
  const seen = record(handle, ({ position }) =>
    position === 3 ? new Promise<void>((resolve) => (release = resolve)) : undefined,
  );
  await client.live();
  await writeMany(database, 10, 'u1');
  await until(() => release);
  let closed = false;
  const closing = client.close().then(() => (closed = true));
  expect(client.state).toEqual({ name: 'closed' });
  await until(() => server.app.commitcast.io.of('/').sockets.size === 0);
  expect(closed).toBe(false);
  release?.();
  await closing;
  expect(seen).toEqual([1, 2, 3]);
  expect(client.cursor).toMatch(/-3$/);
  expect(handle.state.name).toBe('ended');
  client.connect();
  expect(client.state).toEqual({ name: 'closed' });
});

it('a handler that waits for its next try is not asked again after `close()`', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const store = keptStore();
  const client = openClient(server.url, { store });
  let tries = 0;
  client.subscribe({ deep: true }).on('*', () => {
    tries++;
    throw new Error('always');
  });
  await client.live();
  await write(database, 'u1');
  await until(() => tries === 1);
  await client.close();
  expect(tries).toBeLessThanOrEqual(2);
  const next = openClient(server.url, { store });
  const seen = record(next.subscribe({ deep: true }));
  await expectExactly(seen, await truth(database, { deep: true }));
});

it('one that is closed before it has begun never connects', async () => {
  let asked = 0;
  const client = openClient('http://127.0.0.1:9', {
    token: () => {
      asked++;
      return signToken();
    },
  });
  await client.close();
  expect(asked).toBe(0);
  expect(client.states).toEqual(['connecting', 'closed']);
});

it('a process that has closed its client ends by itself, with no unhandled rejection', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const script = `
    import { connect } from ${JSON.stringify(new URL('../../../src/client/index.ts', import.meta.url).href)};
    const client = connect({ url: process.env.URL_OF_SERVER, token: process.env.TOKEN });
    process.on('unhandledRejection', () => process.exit(3));
    let seen = 0;
    client.onState(({ name }) => name === 'live' && console.log('live'));
    client.subscribe({ deep: true }).on('*', async () => {
      await Promise.resolve();
      if (++seen === 3) void client.close().then(() => console.log('closed after ' + seen));
    });
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    env: { ...process.env, URL_OF_SERVER: server.url, TOKEN: await signToken() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (out += text));
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await until(() => out.includes('live'), { message: out });
  await writeMany(database, 10, 'u1');
  const closedAt = await until(() => out.includes('closed') && performance.now());
  expect(await ended).toEqual([0, null]);
  // No timer or socket that is left keeps it for longer.
  expect(performance.now() - closedAt).toBeLessThan(5_000);
  expect(out).toBe('live\nclosed after 3\n');
});

it('`onMessage` hears ephemeral messages by their name, until it is taken off', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const heard: unknown[] = [];
  const off = client.onMessage('typing', (...values) => heard.push(['typing', ...values]));
  client.onMessage('moved', (...values) => heard.push(['moved', ...values]));
  await client.live();
  server.app.socketService.emitToOrg('globex', 'typing', { by: 'nobody' });
  server.app.socketService.emitToOrg('acme', 'typing', { by: 'kim' });
  server.app.socketService.emitToOrg('acme', 'moved', 7);
  await until(() => heard.length === 2);
  off();
  server.app.socketService.emitToOrg('acme', 'typing', { by: 'lee' });
  server.app.socketService.emitToOrg('acme', 'moved', 8);
  await until(() => heard.length === 3);
  expect(heard).toEqual([
    ['typing', { by: 'kim' }],
    ['moved', 7],
    ['moved', 8],
  ]);
});

it('the refusals that may be over in a moment are those of the table of codes', () => {
  // Those of a handshake, of a subscription, and of a new token. What ends a session says itself whether to come back.
  const known = new Set(Object.keys(codes).filter((code) => onWire.has(code)));
  expect(known).toEqual(onWire);
  const retried = Object.entries(codes).filter(([code, { retry }]) => onWire.has(code) && retry);
  expect([...passing].toSorted()).toEqual(retried.map(([code]) => code).toSorted());
});

const onWire = new Set(
  (
    'TOKEN_REQUIRED TOKEN_INVALID TOKEN_EXPIRED ORG_REQUIRED ORG_FORBIDDEN CURSOR_INVALID ' +
    'SUBSCRIPTION_INVALID SUBSCRIPTION_DENIED RATE_LIMITED UNAVAILABLE INTERNAL'
  ).split(' '),
);
