import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { sleep } from '../../src/core/sleep.ts';
import { AdapterSender } from '../../src/fanout/adapter-sender.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { until } from '../support/until.ts';
import { startNetwork } from './facts/network.ts';

const database = await createDatabase();
await database.pool.query(
  'create table public.asked (id int generated always as identity, test text, n int)',
);

const maxBytes = 16 * 1024 * 1024;
/** Twice the time in which an answer must come, and a pause: nobody waits for longer. */
const someSecondsMs = 6_000;

async function open(url = database.url): Promise<AdapterSender> {
  const sender = new AdapterSender({
    connectionString: url,
    applicationName: 'commitcast-test-send',
    logger: silentLogger,
  });
  onTestFinished(() => sender.stop());
  await sender.start();
  return sender;
}

const insert = (test: string, n: number) => ({
  text: 'insert into public.asked (test, n) values ($1, $2)',
  values: [test, n],
});

async function asked(test: string): Promise<number[]> {
  const { rows } = await database.pool.query<{ n: number }>(
    'select n from public.asked where test = $1 order by id',
    [test],
  );
  return rows.map(({ n }) => n);
}

it('sends in the order of the calls, over one connection; a promised statement has its place', async () => {
  const sender = await open();
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  const kept = new AbortController();
  const promised = sleep(30_000, kept.signal).then(() => insert('order', 7));
  const sent = numbers.map((n) => sender.send(n === 7 ? promised : insert('order', n), 1));
  await sent[6];
  expect(await asked('order')).toEqual(numbers.slice(0, 7));
  kept.abort();
  await Promise.all(sent);
  expect(await asked('order')).toEqual(numbers);
});

it('what fails gets its error, and is not repeated; what follows is sent', async () => {
  const sender = await open();
  const results = await Promise.allSettled([
    sender.send(insert('failure', 1), 1),
    sender.send({ text: `select pg_terminate_backend(pg_backend_pid())`, values: [] }, 1),
    sender.send(insert('failure', 2), 1),
    sender.send({ text: 'select 1 / 0', values: [] }, 1),
    sender.send(insert('failure', 3), 1),
  ]);
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(await asked('failure')).toEqual([1, 2, 3]);
  expect(sender.ok).toBe(true);
});

it('a connection that goes dead without a word is given up after some seconds', async () => {
  const network = await startNetwork(database.url);
  const sender = await open(network.url);
  await sender.send(insert('dead', 1), 1);
  network.blackHole();
  const since = performance.now();
  await expect(sender.send(insert('dead', 2), 1)).rejects.toThrow('no answer');
  expect(sender.ok).toBe(false);
  await until(() => sender.send(insert('dead', 3), 1).then(() => true));
  expect(performance.now() - since).toBeLessThan(someSecondsMs);
  expect(await asked('dead')).toEqual([1, 3]);
});

it('while the server does not answer, nobody waits for longer than some seconds, however many wait', async () => {
  const network = await startNetwork(database.url);
  const sender = await open(network.url);
  network.hold();
  const since = performance.now();
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, (_, n) => sender.send(insert('silent', n), 1)),
  );
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(performance.now() - since).toBeLessThan(someSecondsMs);
  network.release();
  await until(() => sender.ok);
});

it('while there is no server, what waits is bounded; the oldest give way, and the newest arrive when it is back', async () => {
  const network = await startNetwork(database.url);
  const sender = await open(network.url);
  network.cut({ refuse: true });
  await until(() => !sender.ok);
  const outcomes: Promise<'sent' | 'lost'>[] = [];
  let most = 0;
  for (let n = 0; n < 30_000; n++) {
    outcomes.push(
      sender.send(insert('bounded', n), 2_000).then(
        () => 'sent' as const,
        () => 'lost' as const,
      ),
    );
    most = Math.max(most, sender.bytes);
  }
  expect(most).toBeLessThanOrEqual(maxBytes);
  expect(most).toBeGreaterThan(maxBytes / 2);
  expect(await outcomes[0]).toBe('lost');
  // Nobody is there to take them: all of them come to an end, and nothing is kept.
  expect(await Promise.all(outcomes)).not.toContain('sent');
  expect(sender.bytes).toBe(0);
  network.accept();
  await until(() => sender.ok);
  await sender.send(insert('bounded', 1), 1);
  expect(await asked('bounded')).toEqual([1]);
});

it('stopped, it sends what was asked before, ends its connection, and refuses the rest', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const sender = await open();
  const sent = Array.from({ length: 20 }, (_, n) => sender.send(insert('stop', n), 1));
  await sender.stop();
  await Promise.all(sent);
  await expect(sender.send(insert('stop', 20), 1)).rejects.toThrow('closed');
  await expectNoLeaks();
  expect(await asked('stop')).toHaveLength(20);
});

it('stopped while there is no server, it does not wait for one', async () => {
  const network = await startNetwork(database.url);
  const sender = await open(network.url);
  network.cut({ refuse: true });
  await until(() => !sender.ok);
  const waiting = sender.send(insert('never', 1), 1);
  const refused = expect(waiting).rejects.toThrow('in time');
  await sender.stop();
  await refused;
});
