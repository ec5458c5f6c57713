import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { append } from '../../src/log/append.ts';
import { readPage, type PageRange } from '../../src/log/read-page.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

type Filters = Omit<PageRange, 'after' | 'upTo' | 'limit'>;

describe('a page with filters', () => {
  let database: TestDatabase;
  let last: number;
  const orgs = ['acme', 'other', 'third', 'fourth', 'fifth'];

  beforeAll(async () => {
    database = await createDatabase();
    const scopes = [{}, { site: 's1' }, { site: 's2' }, { unit: 'u1' }, { site: 's1', unit: 'u1' }];
    const events = orgs.flatMap((org) =>
      scopes.flatMap((scope) =>
        ['opened', 'shut'].map((type): NewEvent => ({ org, type, data: null, ...scope })),
      ),
    );
    await append(database.pool, events);
    for (const org of ['acme', 'other'])
      await database.pool.query(`select commitcast.revoke($1, 'kim', 's2')`, [org]);
    last = events.length + 2;
  });

  const read = async (filters: Filters, limit = 3) => {
    const entries = [];
    for (let after = 0; after < last;) {
      const page = await readPage(database.pool, { after, upTo: last, limit, ...filters });
      expect(page.to).toBeGreaterThan(after);
      expect(page.entries.length).toBeLessThanOrEqual(limit);
      entries.push(...page.entries);
      after = page.to;
    }
    return entries;
  };
  const show = async (filters: Filters) =>
    (await read(filters))
      .filter(({ control }) => !control)
      .map(({ event: { org, site = '-', unit = '-', type } }) => `${org} ${site} ${unit} ${type}`);

  it.each<[string, Filters, string[]]>([
    ['the own events of an org', { scope: { org: 'acme' } }, ['- -']],
    ['all of an org', { scope: { org: 'acme', deep: true } }, ['- -', 's1 -', 's2 -', '- u1', 's1 u1']],
    ['the own events of a site', { scope: { org: 'acme', site: 's1' } }, ['s1 -']],
    ['a site with its units', { scope: { org: 'acme', site: 's1', deep: true } }, ['s1 -', 's1 u1']],
    ['a unit', { scope: { org: 'acme', unit: 'u1' } }, ['- u1', 's1 u1']],
  ])('has %s, as a subscription sees them, and of what types are wanted', async (_name, filters, places) => {
    const both = places.flatMap((place) => [`acme ${place} opened`, `acme ${place} shut`]);
    expect(await show(filters)).toEqual(both);
    expect(await show({ ...filters, types: ['shut'] })).toEqual(both.filter((line) => line.endsWith('shut')));
    expect(await show({ ...filters, types: [] })).toEqual([]);
  });

  it.each<[string, Filters, string[]]>([
    ['none', {}, ['acme', 'other']],
    ['types', { types: ['opened'] }, ['acme', 'other']],
    ['a scope', { scope: { org: 'other', unit: 'u1' }, types: ['opened'] }, ['other']],
  ])('has the control events of its orgs, with filters: %s', async (_name, filters, expected) => {
    const controls = (await read(filters)).flatMap(({ control }) => control ?? []);
    expect(controls.map(({ type, org, user }) => [type, org, user])).toEqual(
      expected.map((org) => ['commitcast.revoked', org, 'kim']),
    );
  });

  it('P2: partitions share the orgs out, and keep the order within each', async () => {
    const parts = await Promise.all([0, 1, 2].map((index) => read({ partition: { index, count: 3 } })));
    const of = parts.map((entries) => [...new Set(entries.map(({ event }) => event.org))]);
    // By the first 32 bits of md5: the same for ever, in every version of Postgres.
    expect(of).toEqual([['fourth', 'fifth'], ['other', 'third'], ['acme']]);
    const positions = parts.map((entries) => entries.map(({ event }) => event.position));
    for (const each of positions) expect(each).toEqual(each.toSorted((a, b) => a - b));
    expect(positions.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, n) => n + 1));
  });
});

describe('a page', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase();
    await append(database.pool, { org: 'acme', type: 'first', data: null });
    await database.pool.query(`select setval('commitcast.position', 50000)`);
    await append(database.pool, { org: 'acme', type: 'rare', data: null });
  });

  it('P5: with filters looks at 20,000 positions at most, and says how far it has got', async () => {
    const ends = [];
    for (let after = 0; after < 50_001;) {
      const page = await readPage(database.pool, { after, upTo: 50_001, limit: 10, types: ['rare'] });
      ends.push([page.to, page.entries.length]);
      after = page.to;
    }
    expect(ends).toEqual([
      [20_000, 0],
      [40_000, 0],
      [50_001, 1],
    ]);
  });

  it('without filters is one look, with the floor and the epoch', async () => {
    const page = await readPage(database.pool, { after: 0, upTo: 50_001, limit: 10 });
    expect(page).toMatchObject({
      to: 50_001,
      floor: 1,
      epoch: expect.stringMatching(/^[a-z2-7]{8}$/) as string,
    });
    expect(page.entries.map(({ event }) => event.type)).toEqual(['first', 'rare']);
  });

  it('of a database that nobody has opened an epoch in says so, and is whole', async () => {
    await database.pool.query('delete from commitcast.epoch');
    const page = await readPage(database.pool, { after: 0, upTo: 50_001, limit: 10 });
    expect(page.epoch).toBeUndefined();
    expect(page.to).toBe(50_001);
  });
});

it('P5: a time that JavaScript has no date for, in the log from before it was refused, holds nobody up', async () => {
  const database = await createDatabase();
  await database.pool.query('alter table commitcast.outbox disable trigger guard_event');
  await database.pool.query(
    `insert into commitcast.outbox (org_id, type, data, created_at) values ('acme', 'x', '1', 'infinity')`,
  );
  const { entries } = await readPage(database.pool, { after: 0, upTo: 1, limit: 10 });
  expect(entries.map(({ event }) => event.time)).toEqual(['1970-01-01T00:00:00.000Z']);
});
