import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { catchUp } from '../../src/gateway/catch-up.ts';
import { epoch, World } from './hand-off-world.ts';

const sourceOf = ({ pages, tailPages }: World) => ({ pages, tailPages });

it('P3: whatever happens between its pages, a follower gets each event once, in order, and joins in the same tick', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 9 }), { maxLength: 60 }),
      fc.nat({ max: 40 }),
      fc.nat({ max: 60 }),
      fc.nat({ max: 1_000 }),
      async (plan, tailEvents, before, from) => {
        const world = new World(plan, tailEvents);
        for (let n = 0; n < before; n++) world.deliver(n * 2);
        const after = before === 0 ? 0 : from % (before + 1);
        await catchUp(world, world.follower(after));
        for (let n = 0; n < 12; n++) world.deliver(n);

        expect(world.joinedAt?.position).toBe(world.joinedAt?.dispatcher);
        expect(world.got).toEqual(world.seenAfter(after));
      },
    ),
    { numRuns: 1_000 },
  );
});

it('P3: a cursor of a faster instance waits for this one, then joins with nothing missed or doubled', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 9 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 20 }),
      async (plan, ahead) => {
        const world = new World(plan, 100);
        for (let n = 0; n < 10; n++) world.deliver(n);
        const after = 10 + ahead;
        const dispatcher = world.dispatcher;
        const db = {
          query: () =>
            Promise.resolve({ rows: [{ epoch, published: '10', last: String(after), floor: '1' }] }),
        };
        await catchUp({ ...sourceOf(world), db, dispatcher }, world.follower(after));
        for (let n = 0; n < 12; n++) world.deliver(n);
        expect(world.got).toEqual(world.seenAfter(after));
      },
    ),
    { numRuns: 300 },
  );
});

it('without a cursor a follower begins at the present, not before', async () => {
  const world = new World([], 100);
  for (let n = 0; n < 10; n++) world.deliver(n);
  await catchUp(world, world.follower(undefined));
  world.deliver(0);
  expect(world.got).toEqual(world.seenAfter(10));
  expect(world.got[0]).toBe(11);
});

it('P3: an epoch that begins while a follower waits for this instance takes it back to where the one before ended', async () => {
  const world = new World([], 100);
  for (let n = 0; n < 5; n++) world.deliver(n);
  const resets: unknown[] = [];
  const { dispatcher } = world;
  let present = epoch;
  const switching = {
    get epoch() {
      return present;
    },
    get position() {
      return dispatcher.position;
    },
    get present() {
      return dispatcher.present;
    },
    tail: dispatcher.tail,
    doubt: () => undefined,
    nextEpoch: () => Promise.resolve(),
    reached: () => {
      present = 'bcdefghi';
      // The new history is already further than the position of the old one.
      for (let n = 0; n < 20; n++) world.deliver(n);
      return Promise.resolve();
    },
  };
  const db = {
    query: () => Promise.resolve({ rows: [{ epoch, published: '5', last: '12', floor: '1', ending: '8' }] }),
  };
  const follower = world.follower(12);
  follower.reset = (reason, position) => resets.push({ reason, position });
  await catchUp({ ...sourceOf(world), db, dispatcher: switching }, follower);
  expect(resets).toEqual([{ reason: 'epoch', position: 8 }]);
  expect(world.got).toEqual(world.seenAfter(8));
});
