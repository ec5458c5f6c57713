import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { ourPrefix, startOurs, startStock, stockPrefix, untilHeard, type Instance } from './instances.ts';

const database = await createDatabase();
/** Around the limit of Postgres: 7,999 bytes go into a notification, 8,000 do not. */
const sizes = [7_998, 7_999, 8_000, 8_001];

/** How many bytes the notification of a note has, beside those that the note is given. */
async function overhead(prefix: string, instance: Instance, note: string): Promise<number> {
  const client = await database.connect();
  const payloads: string[] = [];
  client.on('notification', ({ payload = '' }) => payloads.push(payload));
  await client.query(`listen "${prefix}#/"`);
  instance.say(note);
  const payload = await until(() => payloads.find((each) => each.includes(note)));
  await client.end();
  return Buffer.byteLength(payload);
}

describe('a message of exactly so many bytes', () => {
  it('stock: of 8,000 it is lost, by the default of payloadThreshold', async () => {
    const [here, there] = [startStock(database.url), startStock(database.url)];
    await untilHeard(here, there);
    const extra = await overhead(stockPrefix, here, 'note-0000');
    for (const size of sizes) here.say(`note-${size}`, size - extra);
    await until(() => here.errors.length > 0);
    await until(() => there.heard.includes('note-8001'));
    await untilHeard(here, there);
    expect(there.heard).not.toContain('note-8000');
    expect(here.errors).toMatchObject([{ message: 'payload string too long' }]);
  });

  it('ours: crosses, whatever its size, in its place', async () => {
    const [here, there] = [await startOurs(database.url), await startOurs(database.url)];
    await untilHeard(here, there);
    const extra = await overhead(ourPrefix, here, 'note-0000');
    await until(() => there.heard.length === 1);
    for (const size of sizes) here.say(`note-${size}`, size - extra);
    await until(() => there.heard.length === 1 + sizes.length);
    expect(there.heard.slice(1)).toEqual(sizes.map((size) => `note-${size}`));
  });
});

describe('the table of the attachments', () => {
  it('stock: is not made by the adapter: without it, large messages are lost', async () => {
    const [here, there] = [startStock(database.url, {}, {}), startStock(database.url, {}, {})];
    await untilHeard(here, there);
    here.say('large', 9_000);
    here.say('small');
    await until(() => there.heard.length > 0);
    await until(async () => {
      const { rows } = await here.pool.query(`select to_regclass('public.socket_io_attachments') as found`);
      return (rows as { found: null }[])[0]?.found === null;
    });
    await untilHeard(here, there);
    expect(there.heard).toEqual(['small']);
  });

  it('ours: comes with the migrations; large messages cross and old ones are cleared, as commitcast_relay', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const url = await database.urlAsMemberOf('commitcast_relay');
    const [here, there] = [await startOurs(url), await startOurs(url)];
    await untilHeard(here, there);
    here.say('large', 100_000);
    await until(() => there.heard.length > 0);

    const kept = async () => {
      const { rows } = await database.pool.query<{ id: string }>(
        `select id from commitcast.attachment where payload = 'old' or payload = 'new'`,
      );
      return rows.length;
    };
    await database.pool.query(
      `insert into commitcast.attachment (created_at, payload)
       values (now() - interval '31 seconds', 'old'), (now(), 'new')`,
    );
    expect(await kept()).toBe(2);
    vi.advanceTimersByTime(30_000);
    await until(async () => (await kept()) === 1);
  });

  it('has an index for clearing it', async () => {
    const client = await database.connect();
    await client.query('set enable_seqscan = off; set enable_bitmapscan = off');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain delete from commitcast.attachment
       where created_at < now() - interval '30000 milliseconds'`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('attachment_created_at');
  });
});
