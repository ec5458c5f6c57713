import { createAdapter } from '@socket.io/postgres-adapter';
import type { Notification, Pool } from 'pg';
import { Server } from 'socket.io';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { adapterOptions } from '../../../src/fanout/postgres.ts';

const minuteMs = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Takes notifications to all, as Postgres would, in this process; unless the network loses them, or is slow. */
function createBus() {
  const receivers = new Set<(notification: Partial<Notification>) => unknown>();
  const sent: string[] = [];
  let losing = false;
  let delayMs = 0;
  const deliver = (payload: string) => {
    for (const receive of receivers) void receive({ payload });
  };
  const pool = {
    connect: () =>
      Promise.resolve({
        on: (event: string, receive: (notification: Partial<Notification>) => unknown) => {
          if (event === 'notification') receivers.add(receive);
        },
        query: () => Promise.resolve({ rows: [] }),
        removeAllListeners: () => undefined,
        release: () => undefined,
      }),
    query: (_text: string, values: unknown[] = []) => {
      const [channel, payload] = values as [string?, string?];
      if (channel !== undefined && payload !== undefined) {
        sent.push(channel);
        if (!losing) setTimeout(deliver, delayMs, payload);
      }
      return Promise.resolve({ rows: [] });
    },
  };
  return {
    sent,
    attach(options: Parameters<typeof createAdapter>[1]) {
      const io = new Server();
      io.adapter(createAdapter(pool as unknown as Pool, options));
      return io;
    },
    lose(during: () => void) {
      losing = true;
      during();
      losing = false;
    },
    slowDown(ms: number) {
      delayMs = ms;
    },
  };
}

it('at rest, each instance sends a notification every 5 s for each namespace', async () => {
  const bus = createBus();
  const servers = [bus.attach(adapterOptions), bus.attach(adapterOptions)];
  for (const io of servers) io.of('/other');
  await vi.advanceTimersByTimeAsync(1_000);
  bus.sent.length = 0;
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(bus.sent.filter((channel) => channel.endsWith('#/'))).toHaveLength(servers.length * 12);
  expect(bus.sent).toHaveLength(servers.length * 2 * 12);
});

it('an instance that rings once a second sends no heartbeat beside', async () => {
  const bus = createBus();
  const io = bus.attach(adapterOptions);
  await vi.advanceTimersByTimeAsync(1_000);
  bus.sent.length = 0;
  for (let second = 0; second < 60; second++) {
    io.serverSideEmit('ring');
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(bus.sent).toHaveLength(60);
});

it.each([
  { name: 'stock: takes an instance for gone', options: {}, known: 1 },
  { name: 'ours: does not take an instance for gone', options: adapterOptions, known: 2 },
])(
  '$name, when one heartbeat of a living instance is lost and the next is late',
  async ({ options, known }) => {
    const bus = createBus();
    const here = bus.attach(options);
    await vi.advanceTimersByTimeAsync(1);
    bus.attach(options);
    await vi.advanceTimersByTimeAsync(1_000);
    const counted: number[] = [];
    const count = async () => counted.push(await here.of('/').adapter.serverCount());
    await count();
    bus.lose(() => vi.advanceTimersByTime(5_000));
    bus.slowDown(1_500);
    for (let second = 0; second < 20; second++) {
      await vi.advanceTimersByTimeAsync(500);
      await count();
    }
    expect(counted[0]).toBe(2);
    expect(Math.min(...counted)).toBe(known);
  },
);
