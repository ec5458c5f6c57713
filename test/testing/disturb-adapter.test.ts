import { Server } from 'socket.io';
import { expect, it, onTestFinished } from 'vitest';
import type { Doorbell } from '../../src/fanout/doorbell.ts';
import { createSocketFanout } from '../../src/fanout/socket-io.ts';
import { append } from '../../src/log/append.ts';
import { disturbAdapter, type AdapterFaults } from '../../src/testing/disturb-adapter.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createBus } from './bus-adapter.ts';

/** Two servers on a bus; the first is disturbed, the second notes the numbers that it hears. */
function pair(faults: AdapterFaults & { seed?: number }) {
  const bus = createBus();
  const [near, far] = [bus.connect(), bus.connect()];
  const heard: number[] = [];
  far.on('n', (n: number) => heard.push(n));
  const disturbance = disturbAdapter(near, faults);
  onTestFinished(() => {
    disturbance.stop();
  });
  const send = (...numbers: number[]) => {
    for (const n of numbers) near.serverSideEmit('n', n);
  };
  return { bus, near, far, heard, disturbance, send };
}

const hundred = Array.from({ length: 100 }, (_, n) => n);

it('drop: what is dropped does not come; after stop, everything does', () => {
  const { heard, send, disturbance } = pair({ drop: 1 });
  send(1, 2);
  expect(heard).toEqual([]);
  expect(disturbance.counts).toMatchObject({ dropped: 2, passed: 0 });
  disturbance.set({});
  send(3);
  disturbance.set({ drop: 1 });
  disturbance.stop();
  disturbance.stop();
  send(4);
  expect(heard).toEqual([3, 4]);
  expect(disturbance.counts).toEqual({ dropped: 2, repeated: 0, reordered: 0, forged: 0, passed: 1 });
});

it('repeat: everything comes, each twice, at once or after the next', async () => {
  const { heard, send, disturbance } = pair({ repeat: 1, seed: 7 });
  send(...hundred);
  await until(() => heard.length === 200);
  for (const n of hundred) expect(heard.filter((one) => one === n)).toHaveLength(2);
  const late = hundred.filter((n) => heard.lastIndexOf(n) > heard.indexOf(n) + 1);
  expect(late.length).toBeGreaterThan(20);
  expect(late.length).toBeLessThan(80);
  expect(disturbance.counts.repeated).toBe(100);
});

it('reorder: what is held back comes after the next one, or by itself when there is none', async () => {
  const { heard, send, disturbance } = pair({ reorder: 1 });
  send(1);
  expect(heard).toEqual([]);
  await until(() => heard.length === 1, { message: 'the one that nobody followed' });
  send(2);
  disturbance.set({ reorder: 1 });
  expect(heard).toEqual([1, 2]);
  disturbance.set({ reorder: 0.5 });
  send(...hundred);
  disturbance.stop();
  expect(heard.slice(2).toSorted((a, b) => a - b)).toEqual(hundred);
  expect(heard.slice(2)).not.toEqual(hundred);
});

it('shares are what they say, and the same seed decides the same', () => {
  const thousand = Array.from({ length: 1_000 }, (_, n) => n);
  const run = (seed?: number) => {
    const { bus, send, disturbance } = pair({
      drop: 0.2,
      repeat: 0.3,
      reorder: 0.1,
      forge: 0.4,
      ...(seed === undefined ? {} : { seed }),
    });
    send(...thousand);
    disturbance.stop();
    const texts = bus.sent.map((text) => JSON.stringify((JSON.parse(text) as { data: unknown }).data));
    return { texts, counts: disturbance.counts, seed: disturbance.seed };
  };
  const first = run();
  const { dropped, repeated, reordered, forged, passed } = first.counts;
  expect(dropped + repeated + reordered + passed).toBe(1_000);
  expect(Math.abs(dropped - 200)).toBeLessThan(70);
  expect(Math.abs(repeated - 300)).toBeLessThan(80);
  expect(Math.abs(reordered - 100)).toBeLessThan(60);
  expect(Math.abs(forged - 400)).toBeLessThan(90);
  expect(run(first.seed)).toEqual(first);
  expect(run(first.seed ^ 1).texts).not.toEqual(first.texts);
});

it('forge: all instances get doorbells that nobody rang, well formed and not, in the likeness of the real one', () => {
  const { near, far, bus, disturbance } = pair({ forge: 1, seed: 1 });
  const rung: Doorbell[][] = [[], []];
  for (const [index, io] of [near, far].entries())
    createSocketFanout(io).onRing((doorbell) => rung[index]?.push(doorbell));
  const real = { epoch: 'bbbbbbbb', from: 500, to: 510 };
  for (let n = 0; n < 200; n++) near.serverSideEmit('commitcast:doorbell', real);
  expect(disturbance.counts).toMatchObject({ forged: 200, passed: 200 });
  expect(bus.sent).toHaveLength(400);

  const forged = rung[1]?.filter((doorbell) => JSON.stringify(doorbell) !== JSON.stringify(real)) ?? [];
  expect(forged.some(({ epoch, to }) => epoch === real.epoch && to > 1_000_000)).toBe(true);
  expect(forged.some(({ epoch, to }) => epoch === real.epoch && to < real.from)).toBe(true);
  expect(forged.some(({ epoch }) => epoch !== real.epoch)).toBe(true);
  // Garbage is sent, too, and is nothing that the fan-out lets in.
  expect(forged.length).toBeLessThan(200);
});

it('disturbs broadcasts of all namespaces, also of those that are made later', () => {
  const { near, bus, disturbance } = pair({ drop: 1 });
  near.of('/later').serverSideEmit('n', 1);
  near.emit('note', 1);
  expect(disturbance.counts.dropped).toBe(2);
  expect(bus.sent).toEqual([]);
});

it('refuses an adapter that sends nothing to others, and shares that are none', () => {
  const io = new Server();
  expect(() => disturbAdapter(io)).toThrow(/sends nothing to other instances/);
  for (const faults of [{ drop: -0.1 }, { forge: 1.1 }, { repeat: NaN }, { drop: 0.6, reorder: 0.5 }])
    expect(() => pair(faults)).toThrow(RangeError);
});

it('over the Postgres adapter: clients of both instances get everything once, in order, whatever becomes of doorbells', async () => {
  const database = await createDatabase();
  const leader = await startServer(database, { adapter: 'postgres' });
  const follower = await startServer(database, { adapter: 'postgres', relay: false });
  const disturbance = disturbAdapter(leader.app.commitcast.io, {
    drop: 0.3,
    repeat: 0.2,
    reorder: 0.3,
    forge: 0.7,
  });
  onTestFinished(() => {
    disturbance.stop();
  });
  const clients = [await connectClient(leader.url), await connectClient(follower.url)];
  for (const client of clients) await client.live();
  let appended = 0;
  await until(async () => {
    await append(database.pool, { org: 'acme', type: 'e', data: appended++ });
    const { dropped, repeated, reordered, forged } = disturbance.counts;
    return Math.min(dropped, repeated, reordered) > 2 && forged > 20;
  });
  for (const client of clients) {
    await until(() => client.events.length >= appended, { message: `${appended} events` });
    expect(client.events.map(({ data }) => data)).toEqual(Array.from({ length: appended }, (_, n) => n));
    expect(client.resets).toEqual([]);
  }
});
