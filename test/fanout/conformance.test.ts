import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AdapterName } from '../../src/fanout/attach-adapter.ts';
import type { Doorbell } from '../../src/fanout/doorbell.ts';
import type { Readiness } from '../../src/http/health.ts';
import { append } from '../../src/log/append.ts';
import { disturbAdapter } from '../../src/testing/disturb-adapter.ts';
import { createDatabase } from '../support/database.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { crosses, startCluster, untilConnected, type Cluster } from './cluster.ts';

const database = await createDatabase();

let appended = 0;

/** One transaction each; returns what must arrive, in this order. */
async function appendEvents(count: number): Promise<number[]> {
  const numbers = Array.from({ length: count }, () => appended++);
  for (const n of numbers) await append(database.pool, { org: 'acme', type: 'number', data: n });
  return numbers;
}

async function expectEverywhere({ clients }: Cluster, numbers: number[]): Promise<void> {
  for (const client of clients) {
    await until(() => client.events.length >= numbers.length, { message: `${numbers.length} events` });
    expect(client.events.map(({ data }) => data)).toEqual(numbers);
    expect(client.resets).toEqual([]);
  }
}

const crash = vi.fn<(error: unknown) => void>();

beforeEach(() => {
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
});

afterEach(() => {
  process.off('uncaughtException', crash);
  process.off('unhandledRejection', crash);
  expect(crash).not.toHaveBeenCalled();
});

function conforms(name: AdapterName): void {
  it('events reach the clients of every instance, once, in order; and a stop leaves nothing open', async () => {
    const cluster = await startCluster(database, name);
    await expectEverywhere(cluster, await appendEvents(30));
    for (const { socket } of cluster.clients) socket.disconnect();
    await Promise.all([cluster.leader.close(), cluster.follower.close()]);
    await cluster.expectNoLeaks();
  });
  // The rest is about what instances tell each other.
  if (!crosses[name]) return;

  it('ephemeral messages reach the clients of every instance, once, in order', async () => {
    const { leader, follower, clients } = await startCluster(database, name);
    const heard = clients.map(({ socket }) => {
      const numbers: unknown[] = [];
      (socket as unknown as NodeJS.EventEmitter).on('note', (n) => numbers.push(n));
      return numbers;
    });
    const numbers = Array.from({ length: 200 }, (_, n) => n);
    for (const n of numbers) leader.app.socketService.emitToOrg('acme', 'note', n);
    await until(() => heard.every(({ length }) => length === 200));
    follower.app.socketService.emitToOrg('acme', 'note', 200);
    await until(() => heard.every(({ length }) => length === 201));
    expect(heard).toEqual([
      [...numbers, 200],
      [...numbers, 200],
    ]);
  });

  it('a lost last doorbell is made good by a heartbeat, before anybody looks by himself', async () => {
    const cluster = await startCluster(database, name);
    const heartbeats: Doorbell[] = [];
    const disturbance = disturbAdapter(cluster.leader.app.commitcast.io, { drop: 1 });
    onTestFinished(() => disturbance.stop());
    cluster.follower.app.commitcast.io.on('commitcast:doorbell', (doorbell: Doorbell) =>
      heartbeats.push(doorbell),
    );
    const numbers = await appendEvents(1);
    await until(() => cluster.clients[0].events.length === 1);
    // All that was rung for it is lost; the next thing that passes carries no news of its own.
    await until(() => disturbance.counts.dropped > 0);
    disturbance.set({});
    await expectEverywhere(cluster, numbers);
    const [first] = heartbeats;
    expect(first).toMatchObject({ from: first?.to });
  });

  it('doorbells lost, repeated, reordered and forged change nothing about what clients get', async () => {
    const cluster = await startCluster(database, name);
    const disturbances = [cluster.leader, cluster.follower].map(({ app }) =>
      disturbAdapter(app.commitcast.io, { drop: 0.3, repeat: 0.3, reorder: 0.3, forge: 1 }),
    );
    onTestFinished(() => {
      for (const disturbance of disturbances) disturbance.stop();
    });
    const numbers = await appendEvents(100);
    await expectEverywhere(cluster, numbers);
    const { counts } = disturbances[0] ?? {};
    expect(Object.values(counts ?? {}).every((count) => count > 0)).toBe(true);
  });

  it('forgeries that come alone take nothing from anybody and give nothing', async () => {
    const cluster = await startCluster(database, name);
    const { io } = cluster.leader.app.commitcast;
    const epoch = cluster.clients[0].cursor?.split('-')[0] ?? '';
    for (const forgery of [
      { epoch, from: 0, to: Number.MAX_SAFE_INTEGER },
      { epoch, from: -1, to: -1 },
      { epoch, from: 1e300, to: Infinity },
      { epoch: 'aaaaaaaa', from: 0, to: 1_000_000 },
      { epoch, from: '0', to: '1000000' },
      { epoch: { toString: 1 }, from: {}, to: [] },
      'rubbish',
      null,
    ]) {
      io.serverSideEmit('commitcast:doorbell', forgery);
      io.serverSideEmit('commitcast:doorbell', forgery, forgery);
    }
    io.serverSideEmit('commitcast:doorbell');
    await expectEverywhere(cluster, await appendEvents(5));
  });

  it('dead for a while: nothing is missed, the instance stays ready and says so, and it comes back', async () => {
    const cluster = await startCluster(database, name);
    const { carrier, leader, follower } = cluster;
    await carrier.break();
    const numbers = await appendEvents(3);
    await expectEverywhere(cluster, numbers);
    numbers.push(...(await appendEvents(3)));
    await expectEverywhere(cluster, numbers);
    await until(async () => {
      const response = await fetch(`${follower.url}/health/ready`);
      expect(response.status).toBe(200);
      const { adapter } = (await response.json()) as Readiness;
      return adapter?.state === 'unreachable';
    });
    await carrier.mend();
    await untilConnected(leader, follower);
    numbers.push(...(await appendEvents(3)));
    await expectEverywhere(cluster, numbers);
    expect(await (await fetch(`${follower.url}/health/ready`)).json()).toMatchObject({
      adapter: { name, state: 'ok' },
    });
    for (const { socket } of cluster.clients) socket.disconnect();
    await Promise.all([leader.close(), follower.close()]);
    await cluster.expectNoLeaks();
  });
}

describe('adapter postgres', () => conforms('postgres'));
describeWithTool('redis-server', 'adapter redis', () => conforms('redis'));
describe('adapter memory', () => conforms('memory'));
