import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { readRange } from '../../src/log/read-range.ts';
import { readRooms } from '../../src/log/read-rooms.ts';
import { createDatabase } from '../support/database.ts';

it('P3, P5: a page of large events ends where it is full, and makes little more than that into text', async () => {
  const database = await createDatabase();
  const count = 60;
  for (let n = 0; n < count; n++) {
    // Random, so that it is stored as large as it is.
    const data = randomBytes(90_000).toString('base64');
    await append(database.pool, { org: 'acme', unit: 'u1', type: 'large', data });
  }
  const client = await database.connect();
  const plans: string[] = [];
  const spy = {
    query: async (text: string, values?: unknown[]) => {
      const explained = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze) ${text}`, values);
      plans.push(explained.rows.map((row) => row['QUERY PLAN']).join('\n'));
      return client.query(text, values);
    },
  };
  for (const read of [
    async (after: number) => (await readRange(spy, after, count)).entries.map(({ event }) => event),
    async (after: number) => {
      const range = { org: 'acme', subscriptions: [{ unit: 'u1' }], after, upTo: count, limit: 500 };
      return (await readRooms(spy, range)).events;
    },
  ]) {
    const positions: number[] = [];
    while (positions.length < count) {
      const events = await read(positions.at(-1) ?? 0);
      expect(events.length).toBeGreaterThan(0);
      expect(events.length).toBeLessThan(20);
      positions.push(...events.map(({ position }) => position));
    }
    expect(positions).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  }
  // Of the candidates of the first page, only these were looked into.
  expect(plans[0]).toMatch(
    /CTE events\n +-> +CTE Scan on candidates .*actual .*rows=(?:[1-9]|1\d)(?:\.00)? loops/,
  );
});
