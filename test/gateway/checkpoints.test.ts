import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { Checkpoints } from '../../src/gateway/checkpoints.ts';
import type { Session } from '../../src/gateway/session.ts';

const intervalMs = 30_000;
const wholeRoom = ['org:acme:unit:u1', 'org:acme:*'];

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** One session of `acme` that was told position 5 at the beginning, in a dispatcher that is there. */
async function start() {
  const sent: number[] = [];
  const state = { position: 5, live: true, told: { position: 5, at: performance.now() } };
  const session = {
    get live() {
      return state.live;
    },
    get told() {
      return state.told;
    },
    subscriptions: [{}, { unit: 'u1' }],
    identity: { organizationId: 'acme' },
    checkpoint: (position: number) => {
      sent.push(position);
      state.told = { position, at: performance.now() };
    },
    checkOutflow: () => undefined,
  } as unknown as Session;
  const adapter = Object.assign(new EventEmitter(), {
    rooms: new Map<string, unknown>([
      ['org:acme', 1],
      ['org:acme:unit:u1', 1],
    ]),
  });
  const checkpoints = new Checkpoints({
    intervalMs,
    position: () => state.position,
    sessions: () => [session],
    adapter: () => adapter,
  });
  await checkpoints.start();
  onTestFinished(() => checkpoints.stop());
  return { sent, state, checkpoints, adapter };
}

it('while the head stands still there is none, however long', async () => {
  const { sent } = await start();
  await vi.advanceTimersByTimeAsync(100 * intervalMs);
  expect(sent).toEqual([]);
});

it('when the head has moved there is one, after the interval, and no second for the same head', async () => {
  const { sent, state } = await start();
  state.position = 9;
  await vi.advanceTimersByTimeAsync(0.9 * intervalMs);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(0.4 * intervalMs);
  expect(sent).toEqual([9]);
  await vi.advanceTimersByTimeAsync(100 * intervalMs);
  expect(sent).toEqual([9]);
});

it('whoever is sent events needs none: their cursor moves by itself', async () => {
  const { sent, state, checkpoints } = await start();
  for (let n = 0; n < 50; n++) {
    state.position++;
    checkpoints.delivered(wholeRoom, state.position);
    state.position++; // for somebody else
    await vi.advanceTimersByTimeAsync(intervalMs / 2);
  }
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(2 * intervalMs);
  expect(sent).toEqual([state.position]);
});

it('what is delivered to rooms that the session is not in does not count as sent to it', async () => {
  const { sent, state, checkpoints } = await start();
  for (let n = 0; n < 4; n++) {
    checkpoints.delivered(['org:acme:unit:other', 'org:acme:*', 'org:rival'], ++state.position);
    await vi.advanceTimersByTimeAsync(intervalMs / 2);
  }
  expect(sent.length).toBeGreaterThan(0);
});

it('never during catch-up', async () => {
  const { sent, state } = await start();
  state.live = false;
  state.position = 9;
  await vi.advanceTimersByTimeAsync(10 * intervalMs);
  expect(sent).toEqual([]);
});

it('a room that is gone is forgotten', async () => {
  const { sent, state, checkpoints, adapter } = await start();
  state.position = 9;
  checkpoints.delivered(wholeRoom, 9);
  adapter.emit('delete-room', 'org:acme:unit:u1');
  await vi.advanceTimersByTimeAsync(2 * intervalMs);
  expect(sent).toEqual([9]);
});
