import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { startTcpProxy } from '../../src/testing/tcp-proxy.ts';
import { createDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

/** A server that answers with what it hears, behind a proxy. */
async function echoBehindProxy() {
  const ends: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    ends.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startTcpProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  onTestFinished(async () => {
    await proxy.close();
    for (const socket of ends) socket.destroy();
    server.close();
  });
  return { proxy, ends };
}

function dial(port: number) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const heard = { text: '', closed: false, ended: false, code: undefined as string | undefined };
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => (heard.text += text));
  socket.on('end', () => (heard.ended = true));
  socket.on('error', (error: NodeJS.ErrnoException) => (heard.code = error.code));
  socket.on('close', () => (heard.closed = true));
  onTestFinished(() => {
    socket.destroy();
  });
  return { socket, heard };
}

it('passes everything both ways, to the byte, and the end of one way apart from the other', async () => {
  const { proxy } = await echoBehindProxy();
  const { socket, heard } = dial(proxy.port);
  const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 31) % 251));
  socket.end(bytes);
  await until(() => heard.ended);
  expect(Buffer.from(heard.text, 'latin1').equals(bytes)).toBe(true);
  await until(() => heard.closed && proxy.connections === 0);
});

it('keeps the rest of the URL of its target, and speaks Postgres', async () => {
  const database = await createDatabase();
  const proxy = await startTcpProxy(database.url);
  onTestFinished(() => proxy.close());
  const [of, target] = [new URL(proxy.url), new URL(database.url)];
  expect([of.username, of.pathname, of.protocol]).toEqual([
    target.username,
    target.pathname,
    target.protocol,
  ]);
  const client = new Client({ connectionString: proxy.url });
  await client.connect();
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await client.end();
  await until(() => proxy.connections === 0);
});

it('cut: ends the connections that there are, with RST to both sides; new ones work', async () => {
  const { proxy, ends } = await echoBehindProxy();
  const first = dial(proxy.port);
  first.socket.write('a');
  await until(() => first.heard.text === 'a');
  expect(proxy.connections).toBe(1);
  proxy.cut();
  await until(() => first.heard.closed && ends[0]?.destroyed && proxy.connections === 0);
  expect(first.heard.code).toBe('ECONNRESET');
  const second = dial(proxy.port);
  second.socket.write('b');
  await until(() => second.heard.text === 'b');
});

it('a target that is not there, or that ends a connection hard, is told as a reset', async () => {
  const { proxy, ends } = await echoBehindProxy();
  const { socket, heard } = dial(proxy.port);
  socket.write('a');
  await until(() => heard.text === 'a');
  ends[0]?.resetAndDestroy();
  await until(() => heard.code === 'ECONNRESET');

  const gone = await startTcpProxy('http://127.0.0.1:1/');
  onTestFinished(() => gone.close());
  const refused = dial(gone.port);
  await until(() => refused.heard.closed && gone.connections === 0);
});

it('blackHole: nothing passes, in either way, and neither side is told; new connections work', async () => {
  const { proxy, ends } = await echoBehindProxy();
  const first = dial(proxy.port);
  first.socket.write('a');
  await until(() => first.heard.text === 'a');
  proxy.blackHole();
  first.socket.write('lost');
  ends[0]?.write('lost as well');
  // A round trip on another connection, after what was lost: what could have come has come.
  const second = dial(proxy.port);
  second.socket.write('b');
  await until(() => second.heard.text === 'b');
  expect(first.heard).toEqual({ text: 'a', closed: false, ended: false, code: undefined });
  expect(ends[0]?.readableEnded).toBe(false);

  // The end of one side does not reach the other either.
  ends[0]?.resetAndDestroy();
  second.socket.write('c');
  await until(() => second.heard.text === 'bc');
  expect(first.heard.closed).toBe(false);
  expect(proxy.connections).toBe(2);
  proxy.cut();
  await until(() => first.heard.closed && proxy.connections === 0);
});

it('refuse: new connections are ended at once, those that there are go on; until it is off', async () => {
  const { proxy } = await echoBehindProxy();
  const first = dial(proxy.port);
  first.socket.write('a');
  await until(() => first.heard.text === 'a');
  proxy.refuse(true);
  const second = dial(proxy.port);
  await until(() => second.heard.closed);
  expect(second.heard.text).toBe('');
  first.socket.write('b');
  await until(() => first.heard.text === 'ab');
  proxy.refuse(false);
  const third = dial(proxy.port);
  third.socket.write('c');
  await until(() => third.heard.text === 'c');
});

it('delay: holds each chunk, both ways, in order; also when it becomes shorter; until it is 0', async () => {
  const { proxy } = await echoBehindProxy();
  const { socket, heard } = dial(proxy.port);
  const roundTrip = async (text: string) => {
    const began = performance.now();
    const before = heard.text;
    socket.write(text);
    await until(() => heard.text === before + text);
    return performance.now() - began;
  };
  await roundTrip('0');
  proxy.delay(150);
  expect(await roundTrip('1')).toBeGreaterThan(295);

  socket.write('2');
  // Read by the proxy under the long delay: the short one must not let what follows pass it.
  await until(() => socket.bytesWritten === 3 && socket.writableLength === 0);
  proxy.delay(1);
  socket.write('3');
  await until(() => heard.text === '0123');
  // What comes after the delay has ended does not know of it.
  proxy.delay(600_000);
  proxy.delay(0);
  await roundTrip('4');
});

it('keeps the pressure of a side that does not read: the other cannot write without end', async () => {
  const { proxy, ends } = await echoBehindProxy();
  const { socket } = dial(proxy.port);
  socket.write('a');
  const end = await until(() => ends[0]);
  end.unpipe(end);
  socket.pause();
  end.write(Buffer.alloc(64 * 1024 * 1024));
  // So long as much else passes, what nobody reads waits with who wrote it.
  const clock = dial(proxy.port);
  for (let ticks = 1; ticks <= 50; ticks++) {
    clock.socket.write('x'.repeat(100_000));
    await until(() => clock.heard.text.length === ticks * 100_000);
  }
  expect(end.writableLength).toBeGreaterThan(0);
  socket.resume();
  await until(() => end.writableLength === 0, { message: 'all to be read' });
});

it('close: ends all connections and frees the port; twice is once', async () => {
  const { proxy } = await echoBehindProxy();
  const { socket, heard } = dial(proxy.port);
  socket.write('a');
  await until(() => heard.text === 'a');
  await Promise.all([proxy.close(), proxy.close()]);
  await until(() => heard.closed);
  const late = dial(proxy.port);
  await until(() => late.heard.code === 'ECONNREFUSED');
});

it('says what is wrong with a target that it cannot reach by TCP', async () => {
  await expect(startTcpProxy('postgres:///database?host=/run/postgresql')).rejects.toThrow(TypeError);
  await expect(startTcpProxy('amqp://broker')).rejects.toThrow(/no host and port/);
});
