import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { Client } from 'pg';
import { io, type Socket } from 'socket.io-client';
import { expect, inject, it, onTestFinished } from 'vitest';
import type { ServerToClientEvents } from '../../src/core/protocol.ts';
import { commitcast } from '../../src/http/plugin.ts';
import { checkHistory } from '../../src/testing/check-history.ts';
import { readWholeLog } from '../../src/testing/read-whole-log.ts';
import { recordClient } from '../../src/testing/record-client.ts';
import { supportName } from '../support/administer.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { createDatabaseAt, firstVersion } from '../upgrade/old-database.ts';
import { writePast } from '../upgrade/past.ts';
import { prepareBusiness, startWriters } from '../upgrade/writers.ts';

it('P3: a cursor from before the upgrade goes on after it: an instance that migrates at its start, while writers run, has all that came since', async () => {
  const database = await createDatabaseAt(inject('postgres').url, firstVersion);
  onTestFinished(() => database.drop());
  const client = new Client({ connectionString: database.url, application_name: supportName });
  await client.connect();
  onTestFinished(() => client.end());
  await prepareBusiness(client);
  await writePast(client, 1_000);
  const { rows } = await client.query<{ epoch: string }>('select epoch from commitcast.epoch');
  const cursor = `${rows[0]?.epoch}-400`;

  const random = createRandom(chooseSeed('upgrade, served'));
  const writers = startWriters({ url: database.url, random, streams: false });
  onTestFinished(() => writers.stop().catch(() => undefined));
  await writers.goOn(20);
  const app = Fastify();
  await app.register(commitcast, { databaseUrl: database.url, jwt: { secret }, adapter: 'memory' });
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());

  const auth = { token: await signToken({ org_id: 'acme' }), cursor, subscriptions: [{ deep: true }] };
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const socket: Socket<ServerToClientEvents> = io(url, {
    autoConnect: false,
    transports: ['websocket'],
    auth,
  });
  const alice = recordClient(socket, { name: 'alice', org: 'acme' });
  onTestFinished(() => {
    socket.disconnect();
  });
  socket.connect();
  await writers.goOn(20);
  await writers.stop();

  const log = await readWholeLog(client);
  const last = log.findLast(({ org }) => org === 'acme');
  await until(() => alice.events.at(-1)?.position === last?.position, {
    message: 'alice to have the last event',
  });
  const { examples, looked } = checkHistory({ log, clients: [alice] });
  expect(examples).toEqual({});
  expect(looked.resets).toBe(0);
  expect(alice.events[0]?.position).toBe(401);
  expect(alice.events.length).toBe(
    log.filter(({ org, position }) => org === 'acme' && position > 400).length,
  );
});
