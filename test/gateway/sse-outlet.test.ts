import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { Checkpoints } from '../../src/gateway/checkpoints.ts';
import { drained } from '../../src/gateway/outflow.ts';
import type { Session } from '../../src/gateway/session.ts';
import { SseOutlet } from '../../src/gateway/sse-outlet.ts';
import { SseRooms, type SseMember } from '../../src/gateway/sse-rooms.ts';
import { until } from '../support/until.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A stream over a connection of which a test holds the client's end. */
async function openOutlet(
  rooms = new SseRooms(() => undefined),
): Promise<{ outlet: SseOutlet; response: ServerResponse; client: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  client.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  response.writeHead(200);
  return { outlet: new SseOutlet(response, rooms), response, client };
}

/** Writes until the kernel takes no more. */
async function fill({ outlet, response }: { outlet: SseOutlet; response: ServerResponse }): Promise<void> {
  const frame = Buffer.from(`:${'x'.repeat(100_000)}\n\n`);
  for (let still = 0; still < 5;) {
    outlet.write(frame);
    await new Promise((resolve) => setImmediate(resolve));
    still = response.writableLength > 4_000_000 ? still + 1 : 0;
  }
}

it('a client that reads nothing for a minute is given up: its connection is cut, not only ended', async () => {
  const { outlet, response, client } = await openOutlet();
  client.pause();
  await fill({ outlet, response });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const taken = drained(outlet, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(59_000);
  const early = await Promise.race([taken, new Promise((resolve) => setImmediate(resolve, 'waits'))]);
  expect(early).toBe('waits');
  await vi.advanceTimersByTimeAsync(2_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await taken).toBe(false);
  vi.useRealTimers();
  outlet.end('SLOW_CONSUMER');
  await until(() => response.destroyed && response.socket?.destroyed !== false);
});

it('a client that reads on is waited for, and whoever waits hears of it', async () => {
  const { outlet, response, client } = await openOutlet();
  client.pause();
  await fill({ outlet, response });
  expect(outlet.isDrained()).toBe(false);
  const taken = drained(outlet, new AbortController().signal);
  client.resume();
  expect(await taken).toBe(true);
  expect([outlet.isDrained(), outlet.unsentBytes()]).toEqual([true, 0]);
});

it('after its farewell a stream says nothing, and one whose rest is never read is cut after a minute', async () => {
  const { outlet, response, client } = await openOutlet();
  client.pause();
  await fill({ outlet, response });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  outlet.end('RIGHTS_CHANGED');
  const unsent = outlet.unsentBytes();
  outlet.emit('checkpoint', { cursor: 'aaaaaaaa-1' });
  expect(outlet.unsentBytes()).toBe(unsent);
  expect(response.destroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  await until(() => response.destroyed);
});

it('a connection that goes leaves its rooms, and whoever listens when it is gone already is told all the same', async () => {
  const rooms = new SseRooms(() => undefined);
  const { outlet, response, client } = await openOutlet(rooms);
  outlet.join(['a']);
  client.destroy();
  await until(() => response.destroyed);
  expect(rooms.has('a')).toBe(false);
  await new Promise<void>((resolve) => {
    outlet.onGone(resolve);
  });
});

const member = () => {
  const frames: string[] = [];
  const state = { drained: true };
  const self: SseMember = {
    id: randomUUID(),
    write: (frame) => frames.push(String(frame)),
    isDrained: () => state.drained,
  };
  return { self, frames, state };
};

it('every 15 seconds a stream has a comment, so that no proxy cuts it; one that is not read needs none', async () => {
  vi.useFakeTimers();
  const rooms = new SseRooms(() => undefined);
  const [quiet, full] = [member(), member()];
  full.state.drained = false;
  rooms.join(quiet.self, []);
  rooms.join(full.self, []);
  await rooms.start();
  await vi.advanceTimersByTimeAsync(46_000);
  expect([quiet.frames, full.frames]).toEqual([[':\n\n', ':\n\n', ':\n\n'], []]);
  await rooms.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(quiet.frames).toHaveLength(3);
});

const take = (id: string): SseMember => ({ id, write: () => undefined, isDrained: () => true });

it('rooms know who is in them; and who has left is in none', () => {
  const gone: string[] = [];
  const rooms = new SseRooms((room) => gone.push(room));
  const [both, one, other, left] = [take('both'), take('one'), take('other'), take('left')];
  rooms.join(both, ['a', 'b']);
  rooms.join(one, ['b']);
  rooms.join(other, ['c']);
  rooms.join(left, ['a', 'd']);
  rooms.leave(left);
  rooms.leave(other, ['c']);
  expect(['a', 'b', 'c'].map((room) => [...(rooms.get(room) ?? [])])).toEqual([
    ['both'],
    ['both', 'one'],
    [],
  ]);
  expect(gone).toEqual(['d', 'c']);
  expect(['a', 'b', 'c', 'd'].map((room) => rooms.has(room))).toEqual([true, true, false, false]);
});

it('a stream that is sent events needs no checkpoints: what its rooms got is counted as sent to it', async () => {
  vi.useFakeTimers();
  let position = 5;
  const told: number[] = [];
  const session = {
    live: true,
    told: { position, at: performance.now() },
    subscriptions: [{ deep: true }],
    identity: { organizationId: 'acme' },
    checkpoint: (at: number) => told.push(at),
    checkOutflow: () => undefined,
  } as unknown as Session;
  const streams = new SseRooms((room) => {
    checkpoints.forget(room);
  });
  const checkpoints = new Checkpoints({
    intervalMs: 30_000,
    position: () => position,
    sessions: () => [session],
    adapter: () => ({ rooms: new Map(), on: () => undefined }),
    streams,
  });
  const { self } = member();
  streams.join(self, ['org:acme:*']);
  await checkpoints.start();
  onTestFinished(() => checkpoints.stop());
  for (let n = 0; n < 10; n++) {
    checkpoints.delivered(['org:acme', 'org:acme:*'], ++position);
    await vi.advanceTimersByTimeAsync(20_000);
  }
  await vi.advanceTimersByTimeAsync(100_000);
  expect(told).toEqual([]);
  // What nobody is in any more is forgotten.
  streams.leave(self);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(told[0]).toBe(position);
});
