import { expect, it, onTestFinished, vi } from 'vitest';
import { Backlog } from '../../../src/client/backlog.ts';
import { maxBatchEvents } from '../../../src/core/protocol.ts';
import { sleep } from '../../../src/core/sleep.ts';
import { createDatabase } from '../../support/database.ts';
import { startServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';
import { expectExactly, openClient, record, truth, write, writeMany } from './world.ts';

/** How many events wait in this process: as the client itself sees it, after each message that has come. */
function watchBacklog(): () => number {
  const size = vi.spyOn(Backlog.prototype, 'size', 'get');
  onTestFinished(() => {
    size.mockRestore();
  });
  return () => Math.max(...size.mock.results.map(({ value }) => Number(value)));
}

it('a handler that is slower than the writers: the connection is given up and taken up, the history is exact', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const most = watchBacklog();
  const client = openClient(server.url, { maxBacklog: 100 });
  const reasons: unknown[] = [];
  client.onState((state) => {
    if (state.name === 'offline') reasons.push(state.reason.code, state.until);
  });
  const seen = record(client.subscribe({ deep: true }), ({ position }) =>
    position % 10 === 0 ? sleep(1) : undefined,
  );
  await client.live();
  for (let n = 0; n < 40; n++) await writeMany(database, 50, n % 2 === 0 ? 'u1' : 'u2');
  await expectExactly(seen, await truth(database, { deep: true }));
  await client.live();
  expect(new Set(reasons)).toEqual(new Set(['SLOW_CONSUMER', 'drained']));
  expect(most()).toBeLessThanOrEqual(100 + maxBatchEvents);
  expect(client.errors).toEqual([]);
});

it('while nothing is handled no more waits than the limit and one message', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const most = watchBacklog();
  const client = openClient(server.url, { maxBacklog: 100 });
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const seen = record(client.subscribe({ deep: true }), () => held);
  await client.live();
  for (let n = 0; n < 20; n++) await writeMany(database, 50, 'u1');
  await until(() => client.state.name === 'offline');
  await until(() => server.app.commitcast.cursor().endsWith('-1000'));
  expect(most()).toBeGreaterThan(100);
  expect(most()).toBeLessThanOrEqual(100 + maxBatchEvents);
  expect(client.state).toMatchObject({ until: 'drained' });
  expect(seen).toEqual([]);
  release?.();
  await expectExactly(seen, await truth(database, { deep: true }));
});

it('`for await` takes one event after the other from a fast writer, and leaving the loop ends the subscription', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url, { maxBacklog: 50 });
  const handle = client.subscribe({ deep: true });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { position } of handle) {
      if (position % 7 === 0) await sleep(1);
      seen.push(position);
      if (seen.length === 1_000) break;
    }
  })();
  await client.live();
  for (let n = 0; n < 20; n++) await writeMany(database, 60, 'u1');
  await reading;
  expect(seen).toEqual((await truth(database, { deep: true })).slice(0, 1_000));
  expect(handle.state.name).toBe('ended');
  const rest = record(client.subscribe({ unit: 'u1' }));
  await until(() => client.cursor?.endsWith('-1200'));
  await client.live();
  await write(database, 'u1');
  await until(() => rest.at(-1) === 1_201);
  expect(seen).toHaveLength(1_000);
});

it('an event counts as handled when the next one is asked for', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const events = client.subscribe({ deep: true })[Symbol.asyncIterator]();
  const first = events.next();
  await client.live();
  await writeMany(database, 3, 'u1');
  expect(await first).toMatchObject({ done: false, value: { position: 1 } });
  expect(client.cursor).toMatch(/-0$/);
  expect(await events.next()).toMatchObject({ value: { position: 2 } });
  expect(client.cursor).toMatch(/-1$/);
  await events.return?.();
  expect(await events.next()).toMatchObject({ done: true });
});

it('`for await` throws what the subscription failed with', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const handle = client.subscribe({ deep: true });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { position } of handle) seen.push(position);
  })();
  handle.on('bad', () => {
    throw new Error('no good');
  });
  const failure = reading.catch((error: unknown) => error);
  await client.live();
  await write(database, 'u1');
  await write(database, 'u1', 'bad');
  expect(await failure).toEqual(new Error('no good'));
  expect(seen[0]).toBe(1);
});

it('`for await` ends when its client is closed', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url);
  const handle = client.subscribe({ deep: true });
  let ended = false;
  const reading = (async () => {
    for await (const _ of handle);
    ended = true;
  })();
  await client.live();
  await client.close();
  await reading;
  expect(ended).toBe(true);
});
