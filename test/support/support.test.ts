import { EventEmitter } from 'node:events';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { createDatabase } from './database.ts';
import { watchLeaks } from './leaks.ts';
import { startPrivateServer } from './private-server.ts';
import { once, until } from './until.ts';

describe('the support of the tests', () => {
  it('says what was last seen when a wait ends without success', async () => {
    const waiting = until(() => null, { timeoutMs: 20, message: 'the relay' });
    await expect(waiting).rejects.toThrow('Waited 20 ms for the relay; last seen: null');
    const failing = until(() => Promise.reject(new Error('refused')), { timeoutMs: 20 });
    await expect(failing).rejects.toThrow('last seen: Error: refused');
    await expect(once(new EventEmitter(), 'live', { timeoutMs: 20 })).rejects.toThrow("the event 'live'");
  });

  it('gives each caller a migrated database of its own', async () => {
    const [one, other] = await Promise.all([createDatabase(), createDatabase()]);
    await one.pool.query(`insert into commitcast.outbox (org_id, type, data) values ('acme', 'seen', '{}')`);
    const seen = `select count(*)::int as events from commitcast.log where org_id = 'acme'`;
    expect((await one.pool.query(seen)).rows).toEqual([{ events: 1 }]);
    expect((await other.pool.query(seen)).rows).toEqual([{ events: 0 }]);
  });

  it('lets a test be a role with the rights of commitcast_writer and no more', async () => {
    const database = await createDatabase();
    const client = new Client({ connectionString: await database.urlAsMemberOf('commitcast_writer') });
    await client.connect();
    try {
      await client.query(
        `insert into commitcast.outbox (org_id, type, data) values ('acme', 'written', '{}')`,
      );
      await expect(client.query('select * from commitcast.log')).rejects.toThrow('permission denied');
    } finally {
      await client.end();
    }
  });

  it('sees a connection, a timer and a backend that a test leaves open', async () => {
    const database = await createDatabase();
    const expectNoLeaks = await watchLeaks(database, { timeoutMs: 500 });
    const client = new Client({ connectionString: database.url, application_name: 'left-open' });
    await client.connect();
    const timer = setTimeout(() => {}, 60_000);
    await expect(expectNoLeaks()).rejects.toMatchObject({
      actual: { TCPSocketWrap: 1, Timeout: 1, 'backend left-open': 1 },
    });
    clearTimeout(timer);
    await client.end();
    await expectNoLeaks();
  });

  it('has servers that keep what was flushed when they are killed', async () => {
    const server = await startPrivateServer({ synchronous_commit: 'off' });
    const query = async (text: string) => {
      const client = new Client({ connectionString: server.url });
      await client.connect();
      try {
        const { rows } = await client.query<{ name: string }>(text);
        return rows;
      } finally {
        await client.end();
      }
    };
    await query(`create table kept as select current_setting('synchronous_commit') as name`);
    await query('checkpoint');
    await server.kill();
    await expect(query('select 1')).rejects.toThrow('ECONNREFUSED');
    await server.start();
    expect(await query('select name from kept')).toEqual([{ name: 'off' }]);
  });
});
