import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { FairQueue } from '../../src/gateway/fair-queue.ts';

interface Item {
  lane: string;
  n: number;
}

const item = (lane: string, n = 0): Item => ({ lane, n });

function queueOf(...items: Item[]): FairQueue<Item> {
  const queue = new FairQueue<Item>();
  for (const each of items) queue.push(each.lane, each);
  return queue;
}

function takeAll(queue: FairQueue<Item>): string[] {
  const taken: string[] = [];
  for (let next = queue.take(); next; next = queue.take()) taken.push(`${next.lane}${next.n}`);
  return taken;
}

it('gives each lane its turn, and keeps the order within one', () => {
  const queue = queueOf(item('a', 1), item('a', 2), item('a', 3), item('b', 1), item('b', 2), item('c', 1));
  expect(takeAll(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

it('puts a lane that comes back behind those that wait', () => {
  const queue = queueOf(item('a', 1), item('b', 1), item('c', 1));
  expect(queue.take()).toMatchObject({ lane: 'a' });
  queue.push('a', item('a', 2));
  expect(takeAll(queue)).toEqual(['b1', 'c1', 'a2']);
});

it('does not hand out what was removed, and gives its lane no empty turn', () => {
  const [gone, alone] = [item('a', 1), item('b', 1)];
  const queue = queueOf(gone, alone, item('a', 2), item('c', 1));
  queue.remove('a', gone);
  queue.remove('b', alone);
  queue.remove('b', alone);
  expect(takeAll(queue)).toEqual(['a2', 'c1']);
});

const step = fc.oneof(
  fc.record({ act: fc.constant('push' as const), lane: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.record({ act: fc.constant('take' as const) }),
  fc.record({ act: fc.constant('remove' as const), nth: fc.nat(20) }),
);

it('hands out everything once, and no lane twice while another waits', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = new FairQueue<Item>();
      let waiting: Item[] = [];
      /** Lanes that had a turn since one that waits had its last, or came. */
      const passed = new Map<string, Set<string>>();
      const drop = (gone: Item) => {
        waiting = waiting.filter((each) => each !== gone);
        if (!waiting.some(({ lane }) => lane === gone.lane)) passed.delete(gone.lane);
      };
      const take = () => {
        const taken = queue.take();
        expect(taken === undefined).toBe(waiting.length === 0);
        if (!taken) return;
        expect(taken).toBe(waiting.find(({ lane }) => lane === taken.lane));
        passed.set(taken.lane, new Set());
        drop(taken);
        for (const [lane, others] of passed) {
          if (lane === taken.lane) continue;
          expect(others.has(taken.lane)).toBe(false);
          others.add(taken.lane);
        }
      };
      for (const [n, each] of steps.entries()) {
        if (each.act === 'take') take();
        else if (each.act === 'push') {
          const pushed = item(each.lane, n);
          waiting.push(pushed);
          if (!passed.has(each.lane)) passed.set(each.lane, new Set());
          queue.push(each.lane, pushed);
        } else {
          const gone = waiting[each.nth];
          if (!gone) continue;
          queue.remove(gone.lane, gone);
          drop(gone);
        }
      }
      while (waiting.length > 0) take();
      expect(queue.take()).toBeUndefined();
    }),
  );
});
