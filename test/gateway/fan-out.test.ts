import { expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { maxBatchEvents } from '../../src/core/protocol.ts';
import type { Batch } from '../../src/gateway/batches.ts';
import type { EventsFrame } from '../../src/gateway/events-frame.ts';
import { FanOut } from '../../src/gateway/fan-out.ts';
import type { WireEvent } from '../../src/log/wire-event.ts';

const epoch = 'aaaaaaaa';

function batch(rooms: string[], from: number, to = from): Batch {
  const events = Array.from({ length: to - from + 1 }, (_, n): WireEvent => {
    const json = JSON.stringify({ position: from + n });
    return { position: from + n, org: 'acme', stream: undefined, json, bytes: json.length };
  });
  return { rooms, events, position: to };
}

/** Rooms by name, with the ids of who is in them. */
function fanOut(...members: Record<string, string[]>[]) {
  const sent: { id: string; messages: readonly EventsFrame[] }[] = [];
  const failed: string[] = [];
  const self = new FanOut({
    members: members.map((rooms) => new Map(Object.entries(rooms))),
    deliver: (id, messages) => {
      if (id === 'faulty') throw new Error('a listener of the application');
      if (id === 'leaving') return false;
      sent.push({ id, messages });
      return true;
    },
    failed: (id) => failed.push(id),
    epoch: () => epoch,
  });
  const got = (wanted: string) =>
    sent
      .filter(({ id }) => id === wanted)
      .map(({ messages }) => messages.map(({ values: [events, cursor] }) => [positionsOf(events), cursor]));
  return { self, sent, failed, got };
}

const positionsOf = (events: CommitcastEvent[]) => events.map(({ position }) => position);

it('a message goes once to the union of its rooms, whatever kind of connection is in them', () => {
  const { self, sent, got } = fanOut({ a: ['both', 'one'], b: ['both'] }, { a: ['stream'], c: ['other'] });
  self.add(batch(['a', 'b'], 7));
  expect(sent).toEqual([]);
  self.flush();
  expect(sent.map(({ id }) => id).sort()).toEqual(['both', 'one', 'stream']);
  expect(got('both')).toEqual([[[[7], `${epoch}-7`]]]);
});

it('P2: all that one connection gets until a flush is one message in rising order, with the cursor of its last event', () => {
  const { self, got } = fanOut({ a: ['x', 'y'], b: ['x'], c: ['z'] });
  self.add(batch(['a'], 1));
  self.add(batch(['b'], 2, 3));
  self.add(batch(['c'], 4));
  self.add(batch(['a'], 5));
  self.flush();
  expect(got('x')).toEqual([[[[1, 2, 3, 5], `${epoch}-5`]]]);
  expect(got('y')).toEqual([[[[1, 5], `${epoch}-5`]]]);
  expect(got('z')).toEqual([[[[4], `${epoch}-4`]]]);
});

it('connections that get the same share what is written, and nobody else does', () => {
  const { self, sent } = fanOut({ a: ['x', 'y', 'z'], b: ['z'] });
  self.add(batch(['a'], 1));
  self.add(batch(['b'], 2));
  self.add(batch(['a'], 3));
  self.flush();
  const [x, y, z] = ['x', 'y', 'z'].map((wanted) => sent.find(({ id }) => id === wanted)?.messages[0]);
  expect(x).toBeDefined();
  expect(x?.webSocket).toBe(y?.webSocket);
  expect(z).not.toBe(x);
});

it('nothing is sent twice: a flush forgets what it has sent', () => {
  const { self, sent } = fanOut({ a: ['x'] });
  self.add(batch(['a'], 1));
  self.flush();
  self.flush();
  self.add(batch(['a'], 2));
  self.flush();
  expect(sent.map(({ messages }) => messages.map(({ values }) => positionsOf(values[0])))).toEqual([
    [[1]],
    [[2]],
  ]);
});

it('no message has more events than the wire allows', () => {
  const { self, got } = fanOut({ a: ['x'], b: ['x'] });
  self.add(batch(['a'], 1, maxBatchEvents - 1));
  self.add(batch(['b'], maxBatchEvents, maxBatchEvents + 9));
  self.flush();
  const [messages] = got('x');
  expect(messages?.map(([events]) => events?.length)).toEqual([maxBatchEvents, 9]);
  expect(messages?.map(([, cursor]) => cursor)).toEqual([
    `${epoch}-${maxBatchEvents}`,
    `${epoch}-${maxBatchEvents + 9}`,
  ]);
});

it('a flush counts the messages that were taken, and no others', () => {
  const { self } = fanOut({ a: ['x', 'y'], b: ['leaving'], c: ['faulty'] });
  for (const room of ['a', 'b', 'c']) self.add(batch([room], 1));
  expect(self.flush()).toBe(2);
  self.add(batch(['b'], 2));
  expect(self.flush()).toBe(0);
});

it('P5: a connection that fails harms no other: each gets what it should, once', () => {
  const { self, failed, got } = fanOut({ a: ['x', 'faulty', 'y'] });
  self.add(batch(['a'], 1));
  self.flush();
  self.add(batch(['a'], 2));
  self.flush();
  expect(failed).toEqual(['faulty', 'faulty']);
  for (const id of ['x', 'y']) expect(got(id)).toEqual([[[[1], `${epoch}-1`]], [[[2], `${epoch}-2`]]]);
});
