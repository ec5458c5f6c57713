import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const forgery = {
  uid: 'somebody',
  nsp: '/',
  type: 3,
  data: {
    opts: { rooms: ['org:acme'], except: [], flags: {} },
    packet: {
      type: 2,
      data: ['events', [{ position: 1, type: 'forged', org: 'acme' }], 'aaaaaaaa-1'],
      nsp: '/',
    },
  },
};

it('P4: a role that may only write events can neither speak to browsers through the adapter nor listen to it', async () => {
  const database = await createDatabase();
  const server = await startServer(database, { adapter: 'postgres' });
  const client = await connectClient(server.url);
  await client.live();
  const writer = await database.connect(await database.urlAsMemberOf('commitcast_writer'));
  await expect(writer.query('select secret from commitcast.adapter')).rejects.toMatchObject({
    code: '42501',
  });
  const notify = (channel: string) =>
    database.pool.query('select pg_notify($1, $2)', [channel, JSON.stringify(forgery)]);
  await writer.query('select pg_notify($1, $2)', ['commitcast.io#/', JSON.stringify(forgery)]);
  await append(database.pool, { org: 'acme', type: 'true', data: null });
  await until(() => client.events.length > 0);
  expect(client.events.map(({ type }) => type)).toEqual(['true']);

  // The forgery is a good one: who knows the name of the channel is believed.
  const { rows } = await database.pool.query<{ secret: string }>('select secret from commitcast.adapter');
  await until(async () => {
    await notify(`commitcast.io.${rows[0]?.secret}#/`);
    return client.events.some(({ type }) => type === 'forged');
  });
});
