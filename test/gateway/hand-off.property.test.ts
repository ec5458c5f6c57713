import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { catchUp, type Follower } from '../../src/gateway/catch-up.ts';
import { Tail } from '../../src/gateway/tail.ts';

const epoch = 'abcdefgh';
const bytes = 100;

/**
 * A log and a dispatcher of which a test decides every step. Everything that a follower awaits, a page or a drain, is
 * a place at which more is committed and delivered, as often as the plan says.
 */
class World {
  readonly log: CommitcastEvent[] = [];
  readonly got: number[] = [];
  /** What the dispatcher had delivered in the tick of `join`. */
  joinedAt: { position: number; dispatcher: number } | undefined;
  readonly #plan: Iterator<number>;
  readonly #tail: Tail;
  #position = 0;
  #next = 0;

  constructor(plan: readonly number[], tailEvents: number) {
    this.#plan = plan[Symbol.iterator]();
    this.#tail = new Tail(0, tailEvents * bytes);
  }

  get dispatcher() {
    const world = this;
    return {
      epoch,
      get position() {
        return world.#position;
      },
      get present() {
        return world.#position;
      },
      tail: this.#tail,
      reached: async (position: number) => {
        while (world.#position < position) await world.meanwhile(1);
      },
    };
  }

  /** Other people's work: commits, dead positions, deliveries. */
  async meanwhile(least = 0): Promise<void> {
    const steps = Math.max(this.#plan.next().value ?? 0, least);
    for (let step = 0; step < steps; step++) {
      if (step % 3 === 2) await Promise.resolve();
      this.deliver(this.#next++);
    }
    await Promise.resolve();
  }

  deliver(n: number): void {
    this.#position++;
    if (n % 5 === 4) return; // a dead position
    const event: CommitcastEvent = {
      position: this.#position,
      id: `id-${n}`,
      type: 'test',
      org: n % 7 === 3 ? 'other' : 'acme',
      ...(n % 3 === 1 ? { unit: 'u1' } : {}),
      time: '2026-01-01T00:00:00.000Z',
      data: null,
    };
    this.log.push(event);
    this.#tail.append(event, bytes);
    if (this.joinedAt && this.#sees(event)) this.got.push(event.position);
  }

  /** Answers the statement of `readRooms` from the log in memory. */
  readonly db = {
    query: async (_text: string, values: readonly unknown[] = []) => {
      const [org, after, upTo, limit] = values as [string, number, number, number];
      const found = this.log
        .filter((event) => event.org === org && event.position > after && event.position <= upTo)
        .filter((event) => this.#sees(event))
        .slice(0, Math.min(limit, 3));
      const all = this.log.filter(
        (event) => event.position > after && event.position <= upTo && this.#sees(event),
      );
      await this.meanwhile();
      const page = { floor: '1', wanted: String(Math.min(all.length, limit)) };
      return {
        rows: found.length > 0 ? found.map((event) => ({ ...rowOf(event), ...page })) : [empty(page)],
      };
    },
  };

  follower(after: number | undefined): Follower {
    const signal = new AbortController().signal;
    return {
      progress: { cursor: after === undefined ? undefined : { epoch, position: after } },
      org: 'acme',
      signal,
      seam: () => [{}],
      send: (events) => {
        this.got.push(...events.map(({ position }) => position));
      },
      reset: (reason) => {
        throw new Error(`reset ${reason}`);
      },
      hasRoom: () => (this.#plan.next().value ?? 0) % 4 !== 3,
      drained: () => this.meanwhile(),
      join: (position) => {
        this.joinedAt = { position, dispatcher: this.#position };
      },
    };
  }

  seenAfter(position: number): number[] {
    return this.log
      .filter((event) => event.position > position && this.#sees(event))
      .map((event) => event.position);
  }

  #sees({ org, unit }: CommitcastEvent): boolean {
    return org === 'acme' && unit === undefined;
  }
}

const rowOf = (event: CommitcastEvent) => ({
  position: String(event.position),
  id: event.id,
  org_id: event.org,
  site_id: null,
  unit_id: null,
  type: event.type,
  data: 'null',
  stream: null,
  version: null,
  meta: null,
  created_at: new Date(event.time),
  control: false,
});

const empty = (page: object) => ({ ...rowOf({} as CommitcastEvent & { time: 0 }), position: null, ...page });

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
        await catchUp({ db, dispatcher }, world.follower(after));
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
  expect(world.got).toEqual([11]);
});

it('P3: an epoch that begins while a follower waits for this instance resets it: its position means nothing any more', async () => {
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
    reached: () => {
      present = 'bcdefghi';
      // The new history is already further than the position of the old one.
      for (let n = 0; n < 20; n++) world.deliver(n);
      return Promise.resolve();
    },
  };
  const db = { query: () => Promise.resolve({ rows: [{ epoch, published: '5', last: '12', floor: '1' }] }) };
  const follower = world.follower(12);
  follower.reset = (reason, position) => resets.push({ reason, position });
  await catchUp({ db, dispatcher: switching }, follower);
  expect(resets).toEqual([{ reason: 'epoch', position: 25 }]);
  expect(world.got).toEqual([]);
});
