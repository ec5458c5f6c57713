import { io, type Socket } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import type { ServerToClientEvents } from '../../src/core/protocol.ts';
import { append } from '../../src/log/append.ts';
import { checkHistory } from '../../src/testing/check-history.ts';
import { readWholeLog } from '../../src/testing/read-whole-log.ts';
import { recordClient, type ClientRecord } from '../../src/testing/record-client.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const stock = { autoConnect: false, transports: ['websocket'], forceNew: true, reconnectionDelay: 20 };

function open(url: string, auth: Socket['auth']): Socket<ServerToClientEvents> {
  const socket: Socket<ServerToClientEvents> = io(url, { ...stock, auth });
  onTestFinished(() => {
    socket.disconnect();
  });
  return socket;
}

const liveTimes = (client: ClientRecord, n: number) =>
  until(() => client.steps.filter(({ kind }) => kind === 'live').length === n, { message: `live ${n}` });

it('writes down what stock clients saw, over cuts and a reload, so that it can be judged by the log', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const proxy = await startTcpProxy(server.url);
  const token = await signToken();
  const subscriptions = [{ unit: 'u1' }];
  const auth = { token, subscriptions };
  const first = open(proxy.url, auth);
  const alice = recordClient(first, { name: 'alice', org: 'acme' });
  expect(alice.subscriptions).toEqual(subscriptions);
  first.connect();
  await liveTimes(alice, 1);
  const say = (type: string, unit?: string) => append(database.pool, { org: 'acme', type, unit, data: null });

  await say('one');
  await until(() => alice.events.length === 1);
  proxy.cut();
  await say('two', 'u1');
  await say('unseen', 'u2');
  await liveTimes(alice, 2);
  await until(() => alice.events.length === 2);

  // The page is loaded again: another socket, the same client.
  first.disconnect();
  const second = open(server.url, auth);
  const reloaded = recordClient(second, { name: 'alice', org: 'acme', continues: alice });
  await say('three');
  second.connect();
  await until(() => reloaded.events.length === 3);
  await liveTimes(reloaded, 3);

  // Whether an event came before or after it was live again, is not decided here.
  const kinds = reloaded.steps.map(({ kind }) => kind).filter((kind) => kind !== 'live');
  expect(kinds.join(' ')).toBe('connected events dropped connected events dropped connected events');
  const cursors = reloaded.steps.flatMap((step) => (step.kind === 'connected' ? [step.cursor] : []));
  expect(cursors).toEqual([undefined, `${cursors[1]}`, `${cursors[2]}`]);
  expect(first.auth).not.toBe(auth);
  alice.stop();
  expect(first.auth).toBe(auth);

  const log = await readWholeLog(database.pool);
  expect(log.map(({ type }) => type)).toEqual(['one', 'two', 'unseen', 'three']);
  expect(checkHistory({ log, clients: [reloaded] })).toEqual({
    missed: 0,
    doubled: 0,
    inverted: 0,
    foreign: 0,
    ghosts: 0,
    altered: 0,
    examples: {},
    looked: { log: 4, clients: 1, events: 3, drops: 2, resets: 0, away: 0 },
  });
  // And the judge sees it, when one of them is lost on the way.
  const robbed = { ...reloaded, steps: reloaded.steps.filter((_, index) => index !== 2) };
  expect(checkHistory({ log, clients: [robbed] })).toMatchObject({ missed: 1 });
});

it('gives an auth function the cursor as well, and writes down a reset and what was really sent', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const token = await signToken();
  const socket = open(server.url, (give) => {
    give({ token, cursor: 'elsewhe2-7' });
  });
  const client = recordClient(socket, { org: 'acme' });
  socket.connect();
  await liveTimes(client, 1);
  socket.io.engine.close();
  await liveTimes(client, 2);
  expect(client.steps).toMatchObject([
    { kind: 'connected', cursor: 'elsewhe2-7' },
    { kind: 'reset', reason: 'unknown' },
    { kind: 'live' },
    { kind: 'dropped' },
    { kind: 'connected', cursor: client.cursor },
    { kind: 'live' },
  ]);
  client.stop();
  socket.io.engine.close();
  await until(() => socket.connected);
  expect(client.steps).toHaveLength(6);
});
