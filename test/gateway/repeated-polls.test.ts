import { createServer, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Server } from 'socket.io';
import { describe, expect, it, onTestFinished } from 'vitest';
import { setupSocketAuth } from '../../src/gateway/setup-socket-auth.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

const startPlugin = async () => {
  const { app, url } = await startServer(database);
  return { io: app.commitcast.io, url };
};

/** An application's own Socket.IO server, with the authentication set up before or after it has an engine. */
const startOwn = (order: 'attached' | 'not yet attached') => async () => {
  const http = createServer();
  const io = order === 'attached' ? new Server(http) : new Server();
  setupSocketAuth(io, { jwt: { secret } });
  if (order === 'not yet attached') io.attach(http);
  http.listen(0, '127.0.0.1');
  await until(() => http.listening);
  onTestFinished(() => io.close());
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
};

/** Long polling by hand, as far as the answer that says that the client is connected. */
async function openPolling(url: string, firstPoll: string) {
  const polling = `${url}/socket.io/?EIO=4&transport=polling`;
  const opened = await (await fetch(`${polling}&t=opening`)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const session = `${polling}&sid=${sid}`;
  const send = async (body: string) => (await fetch(session, { method: 'POST', body })).text();
  const poll = async (query: string) => {
    const response = await fetch(session + query);
    return { status: response.status, body: await response.text() };
  };
  await send(`40${JSON.stringify({ token: await signToken() })}`);
  expect(await poll(firstPoll)).toEqual({ status: 200, body: expect.stringMatching(/^40\{"sid":/) });
  return { send, poll };
}

describe.each([
  ['the plugin', startPlugin],
  ['an application’s own server', startOwn('attached')],
  ['an application’s own server that is attached later', startOwn('not yet attached')],
])('%s', (_, start) => {
  it('P3: refuses a poll that it has answered, and ends its session at once', async () => {
    const { io, url } = await start();
    const { poll } = await openPolling(url, '&t=P1q2r3s4');
    expect(io.engine.clientsCount).toBe(1);
    expect(await poll('&t=P1q2r3s4')).toEqual({ status: 400, body: 'This poll was asked before' });
    expect(io.engine.clientsCount).toBe(0);
    expect(io.of('/').sockets.size).toBe(0);
    expect(await poll('&t=P1q2r3s5')).toEqual({
      status: 400,
      body: expect.stringContaining('Session ID unknown'),
    });
  });

  it.each([
    ['no `t`', ''],
    ['the second as `t`, as the .NET client does', '&t=1764000000'],
  ])('lets alone a client that sends %s', async (__, query) => {
    const { io, url } = await start();
    const { poll, send } = await openPolling(url, query);
    for (const message of ['first', 'second']) {
      io.emit('note', message);
      const heard = [await poll(query)];
      // What the plugin itself had to say may come in an answer of its own.
      if (!heard[0]?.body.includes(message)) heard.push(await poll(query));
      expect(heard.at(-1)).toEqual({ status: 200, body: expect.stringContaining(message) });
    }
    expect(await send('3')).toBe('ok');
    expect(io.engine.clientsCount).toBe(1);
  });
});

it('ends a session whose poll comes again while the first still waits, too', async () => {
  const { io, url } = await startOwn('attached')();
  const { poll } = await openPolling(url, '&t=P1q2r3s4');
  const waiting = poll('&t=P1q2r3s5');
  const [conn] = [...io.of('/').sockets.values()].map((socket) => socket.conn);
  await until(() => conn?.transport.writable);
  expect(await poll('&t=P1q2r3s5')).toEqual({ status: 400, body: 'This poll was asked before' });
  expect(await waiting).toEqual({ status: 200, body: '1' });
  expect(io.engine.clientsCount).toBe(0);
});

/** Does to one answer with events what a cut connection and a browser do: drops it, and repeats the request. */
async function startLosingFront(target: string) {
  let isToLose = false;
  let lost = 0;
  const ask = (path: string | undefined, method: string | undefined, headers: object, body: string) =>
    new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const asked = request(new URL(path ?? '/', target), { method, headers: { ...headers } }, (answer) => {
        text(answer).then((read) => {
          resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: read });
        }, reject);
      });
      asked.on('error', reject);
      asked.end(body);
    });
  const forward = async ({ url, method, headers }: IncomingMessage, body: string) => {
    const answer = await ask(url, method, headers, body);
    if (!isToLose || method !== 'GET' || !answer.body.includes('"events"')) return answer;
    isToLose = false;
    lost++;
    return ask(url, method, headers, body);
  };
  const front = createServer((incoming, outgoing) => {
    text(incoming)
      .then((body) => forward(incoming, body))
      .then(
        ({ status, headers, body }) => outgoing.writeHead(status, headers).end(body),
        () => outgoing.destroy(),
      );
  }).listen(0, '127.0.0.1');
  await until(() => front.listening);
  onTestFinished(() => {
    front.close();
    front.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    loseNext: () => {
      isToLose = true;
    },
    lost: () => lost,
  };
}

const commit = (n: number) => append(database.pool, { org: 'acme', type: 'number', data: n });

it('P3: a stock client has each event once, also those of an answer that was lost when its poll was repeated', async () => {
  const { io, url } = await startPlugin();
  const front = await startLosingFront(url);
  const client = await connectClient(front.url, { options: { transports: ['polling'] } });
  await client.live();
  const numbers = () => client.events.map(({ data }) => data);
  await commit(1);
  await until(() => client.events.length === 1);
  front.loseNext();
  await commit(2);
  await until(() => front.lost() === 1);
  await commit(3);
  await until(() => numbers().includes(3));
  expect(numbers()).toEqual([1, 2, 3]);
  expect(client.resets).toEqual([]);
  expect(client.drops).toBe(1);
  await client.live(2);
  expect(io.engine.clientsCount).toBe(1);
});
