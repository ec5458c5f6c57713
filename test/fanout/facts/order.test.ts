import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { ourPrefix, startOurs, startStock, stockPrefix, untilHeard } from './instances.ts';
import { startNetwork } from './network.ts';

const database = await createDatabase();
const notes = Array.from({ length: 30 }, (_, n) => String(n));

/** Every second connection is slow. */
const unevenNetwork = () => startNetwork(database.url, (n) => (n % 2 === 0 ? 40 : 0));

/** The table of the attachments, locked: whoever writes or reads a large payload waits for the commit. */
async function lockAttachments(): Promise<Client> {
  const client = await database.connect();
  await client.query('begin; lock table commitcast.attachment in access exclusive mode');
  return client;
}

const someoneWaits = async () => {
  const { rows } = await database.pool.query(
    `select from pg_locks where relation = 'commitcast.attachment'::regclass and not granted
       and database = (select oid from pg_database where datname = current_database())`,
  );
  return rows.length > 0;
};

/** Hears what goes over the channel, besides those under test. */
async function overhear(prefix: string) {
  const payloads: string[] = [];
  const client = await database.connect();
  client.on('notification', ({ payload = '' }) => payloads.push(payload));
  await client.query(`listen "${prefix}#/"`);
  return (text: string) => until(() => payloads.some((payload) => payload.includes(text)));
}

describe('small messages, over connections that are not equally fast', () => {
  it('stock: overtake each other', async () => {
    const network = await unevenNetwork();
    const here = startStock(network.url, { max: 4 });
    const there = startStock(database.url);
    await untilHeard(here, there);
    // All of the pool's connections are open before the first note.
    await Promise.all(Array.from({ length: 6 }, () => here.pool.query('select pg_sleep(0.05)')));
    for (const note of notes) here.say(note);
    await until(() => there.heard.length === notes.length);
    expect(there.heard).not.toEqual(notes);
    expect(there.heard.toSorted()).toEqual(notes.toSorted());
  });

  it('ours: keep their order', async () => {
    const network = await unevenNetwork();
    const here = await startOurs(network.url);
    const there = await startOurs(database.url);
    await untilHeard(here, there);
    for (const note of notes) here.say(note);
    await until(() => there.heard.length === notes.length);
    expect(there.heard).toEqual(notes);
  });
});

describe('a small message after a large one, which is slow to be written', () => {
  it('stock: overtakes it', async () => {
    const [here, there] = [startStock(database.url), startStock(database.url)];
    await untilHeard(here, there);
    const lock = await lockAttachments();
    here.say('large', 9_000);
    here.say('small');
    await until(() => there.heard.length === 1);
    await lock.query('commit');
    await until(() => there.heard.length === 2);
    expect(there.heard).toEqual(['small', 'large']);
  });

  it('ours: comes after it', async () => {
    const [here, there] = [await startOurs(database.url), await startOurs(database.url)];
    await untilHeard(here, there);
    const lock = await lockAttachments();
    here.say('large', 9_000);
    here.say('small');
    await until(someoneWaits);
    await lock.query('commit');
    await until(() => there.heard.length === 2);
    expect(there.heard).toEqual(['large', 'small']);
  });
});

describe('a small message after a large one, which is slow to be read', () => {
  it('stock: overtakes it', async () => {
    const network = await startNetwork(database.url);
    const here = startStock(database.url);
    const there = startStock(network.url);
    await untilHeard(here, there);
    const overheard = await overhear(stockPrefix);
    network.hold();
    here.say('large', 9_000);
    await overheard('attachmentId');
    here.say('small');
    await until(() => there.heard.length === 1);
    network.release();
    await until(() => there.heard.length === 2);
    expect(there.heard).toEqual(['small', 'large']);
  });

  it('ours: comes after it', async () => {
    const network = await startNetwork(database.url);
    const here = await startOurs(database.url);
    const there = await startOurs(network.url);
    await untilHeard(here, there);
    const overheard = await overhear(ourPrefix);
    network.hold();
    here.say('large', 9_000);
    await overheard('attachmentId');
    here.say('small');
    await until(() => network.heard('small'));
    // A turn of the event loop in which it could be handed on.
    await new Promise((resolve) => setImmediate(resolve));
    expect(there.heard).toEqual([]);
    network.release();
    await until(() => there.heard.length === 2);
    expect(there.heard).toEqual(['large', 'small']);
  });
});
