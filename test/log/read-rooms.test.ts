import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { parseSubscription, type Subscription } from '../../src/core/subscription.ts';
import { append } from '../../src/log/append.ts';
import { readRooms } from '../../src/log/read-rooms.ts';
import { eventOf } from '../../src/log/wire-event.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const orgs = ['acme', 'globex', 'acm'];
const sites = ['s1', 's2', 'unit'];
const units = ['u1', 'u2', 's1'];

interface Written {
  position: number;
  org: string;
  site?: string | undefined;
  unit?: string | undefined;
  control?: boolean;
}

let database: TestDatabase;
const written: Written[] = [];

// Every combination of scopes, over and over, across the seam of two partitions, with control events between.
beforeAll(async () => {
  database = await createDatabase();
  for (const start of [1, 131_000]) {
    await database.pool.query(`select setval('commitcast.position', $1, false)`, [start]);
    let position = start;
    const events: NewEvent[] = [];
    for (let turn = 0; turn < 8; turn += 1)
      for (const org of orgs)
        for (const site of [undefined, ...sites])
          for (const unit of [undefined, ...units]) {
            written.push({ position, org, site, unit });
            events.push({ org, site, unit, type: 'x', data: position });
            position += 1;
          }
    await append(database.pool, events);
    for (const org of orgs) {
      written.push({ position, org, control: true });
      position += 1;
      await database.pool.query(
        `insert into commitcast.outbox (org_id, type, data, control) values ($1, 'commitcast.x', '{}', true)`,
        [org],
      );
    }
  }
});

/** The rule of the design, told again without SQL. */
function sees(org: string, { site, unit, deep }: Subscription, event: Written): boolean {
  if (event.control || event.org !== org) return false;
  if (unit !== undefined) return event.unit === unit;
  if (site !== undefined) return event.site === site && (event.unit === undefined || deep === true);
  return deep === true || (event.site === undefined && event.unit === undefined);
}

const last = () => Math.max(...written.map(({ position }) => position));

async function readAll(range: Parameters<typeof readRooms>[1]) {
  const positions: number[] = [];
  let pages = 0;
  for (let after = range.after; after < range.upTo; pages += 1) {
    const page = await readRooms(database.pool, { ...range, after });
    expect(page.events.length).toBeLessThanOrEqual(range.limit);
    expect(page.to).toBeGreaterThan(after);
    expect(page.events.map(eventOf).every(({ position, data }) => position === data)).toBe(true);
    positions.push(...page.events.map(({ position }) => position));
    after = page.to;
  }
  return { positions, pages };
}

const subscription = fc.oneof(
  fc.constantFrom<Subscription[]>({}, { deep: true }),
  fc
    .record({ site: fc.constantFrom(...sites), deep: fc.constantFrom(true, undefined) })
    .map(parseSubscription),
  fc.record({ unit: fc.constantFrom(...units) }),
);

describe('reading rooms', () => {
  it.each<[string, Subscription]>([
    ['{}: the org events only', {}],
    ['{ deep }: all of the org', { deep: true }],
    ['{ site }: the events of the site itself', { site: 's1' }],
    ['{ site, deep }: the site and the unit events that name it', { site: 's1', deep: true }],
    ['{ unit }: the unit', { unit: 's1' }],
  ])('%s', async (_, one) => {
    const { positions } = await readAll({
      org: 'acme',
      subscriptions: [one],
      after: 0,
      upTo: last(),
      limit: 100,
    });
    const expected = written.filter((event) => sees('acme', one, event)).map(({ position }) => position);
    expect(expected.length).toBeGreaterThan(8);
    expect(positions).toEqual(expected);
  });

  it('gives any set of subscriptions exactly its events, rising, each once, over all pages; never another org, never control', async () => {
    const position = fc.oneof(fc.nat({ max: 450 }), fc.integer({ min: 130_990, max: 131_450 }));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...orgs),
        fc.array(subscription, { maxLength: 5 }),
        position,
        position,
        fc.integer({ min: 1, max: 60 }),
        async (org, subscriptions, after, upTo, limit) => {
          const { positions } = await readAll({ org, subscriptions, after, upTo, limit });
          const expected = written
            .filter((event) => event.position > after && event.position <= upTo)
            .filter((event) => subscriptions.some((one) => sees(org, one, event)));
          expect(positions).toEqual(expected.map((event) => event.position));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('ends a page after a mebibyte, with the event that crosses the mark, and goes on from there', async () => {
    const first = await append(
      database.pool,
      Array.from({ length: 9 }, () => ({ org: 'large', type: 'x', data: 'x'.repeat(250_000) })),
    );
    const range = { org: 'large', subscriptions: [{}], upTo: 1_000_000, limit: 500 };
    const ids: string[] = [];
    const sizes: number[] = [];
    for (let after = 0; after < range.upTo;) {
      const page = await readRooms(database.pool, { ...range, after });
      ids.push(...page.events.map((event) => eventOf(event).id));
      sizes.push(page.events.length);
      after = page.to;
    }
    expect(ids).toEqual(first);
    expect(sizes).toEqual([5, 4]);
  });

  it('tells the floor with every page, also with an empty one', async () => {
    await database.pool.query('update commitcast.relay set floor = 7');
    for (const org of ['acme', 'nobody']) {
      const page = await readRooms(database.pool, { org, subscriptions: [{}], after: 0, upTo: 50, limit: 5 });
      expect(page.floor).toBe(7);
    }
  });
});
