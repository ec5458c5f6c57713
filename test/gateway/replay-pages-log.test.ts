import { beforeAll, expect, it } from 'vitest';
import type { CommitcastEvent, NewEvent } from '../../src/core/event.ts';
import { isErased } from '../../src/core/erased.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import type { Executor } from '../../src/db/executor.ts';
import { ReplayPages, type ReplayPage } from '../../src/gateway/replay-pages.ts';
import { append } from '../../src/log/append.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { erase } from '../../src/log/erase.ts';
import { createDatabase } from '../support/database.ts';

const database = await createDatabase();
const epoch = await openEpoch(database.pool);
const units = ['u1', 'u2', 'u3'];
/** Events of two orgs, by turns, every tenth a large one. */
const total = 3_000;

beforeAll(async () => {
  const events = Array.from({ length: total }, (_, n): NewEvent => {
    const data = { n, pad: 'x'.repeat(n % 10 === 0 ? 20_000 : 10) };
    return { org: n % 2 === 0 ? 'acme' : 'globex', unit: units[n % 3], type: 'number', data };
  });
  await append(database.pool, events);
});

/** The log, with a count of what is asked of it. */
function countedLog() {
  const counts = { statements: 0, running: 0, mostAtOnce: 0 };
  const db: Executor = {
    query: async (text, values) => {
      counts.statements += 1;
      counts.running += 1;
      counts.mostAtOnce = Math.max(counts.mostAtOnce, counts.running);
      try {
        return await database.pool.query(text, values);
      } finally {
        counts.running -= 1;
      }
    },
  };
  return { db, counts };
}

const eventsOf = ({ frames }: ReplayPage): CommitcastEvent[] => frames.flatMap((frame) => frame.values[0]);

it('P5: 200 sessions that return to 20 positions cost 20 statements, never more than four at once', async () => {
  const { db, counts } = countedLog();
  const pages = new ReplayPages({ db });
  const asks = Array.from({ length: 200 }, (_, n) => {
    const { signal } = new AbortController();
    return pages.read({
      org: 'acme',
      epoch,
      subscriptions: [{ deep: true }],
      after: n % 20,
      upTo: 100,
      signal,
    });
  });
  const got = await Promise.all(asks);
  expect(counts).toMatchObject({ statements: 20, running: 0 });
  expect(counts.mostAtOnce).toBe(4);
  for (const [n, page] of got.entries()) {
    const odd = Array.from({ length: 50 }, (_, k) => 2 * k + 1).filter((position) => position > n % 20);
    expect(eventsOf(page).map(({ position }) => position)).toEqual(odd);
  }
});

/** Positions after `from`, by what was written and not by what was read. */
const wanted = (org: string, seen: string[], from: number) =>
  Array.from({ length: total }, (_, n) => n)
    .filter((n) => (n % 2 === 0 ? 'acme' : 'globex') === org && seen.includes(units[n % 3] ?? ''))
    .map((n) => n + 1)
    .filter((position) => position > from);

it('P3: sessions that walk the log at their own pace each get every event of theirs once, in order', async () => {
  const { db, counts } = countedLog();
  const pages = new ReplayPages({ db });
  const walk = async (org: string, subscriptions: readonly Subscription[], from: number) => {
    const { signal } = new AbortController();
    const positions: number[] = [];
    // The dispatcher goes on while they read.
    for (let after = from, upTo = total / 2; after < total; upTo = Math.min(total, upTo + 250)) {
      const page = await pages.read({
        org,
        epoch,
        subscriptions,
        after,
        upTo: Math.max(upTo, after),
        signal,
      });
      const events = eventsOf(page);
      expect(page.count).toBe(events.length);
      expect(page.to).toBeLessThanOrEqual(Math.max(upTo, after));
      expect(events.every((event) => event.org === org)).toBe(true);
      positions.push(...events.map(({ position }) => position));
      after = page.to;
    }
    return positions;
  };
  const walks = Array.from({ length: 60 }, async (_, n) => {
    const org = n % 2 === 0 ? 'acme' : 'globex';
    const from = n % 5;
    const unit = units[n % 3] ?? '';
    const all = n % 4 === 0;
    const positions = await walk(org, all ? [{ deep: true }] : [{}, { unit }], from);
    expect(positions).toEqual(wanted(org, all ? units : [unit], from));
  });
  await Promise.all(walks);
  expect(counts.mostAtOnce).toBe(4);
});

it('P4: who asks after an erasure does not get what was read before it', async () => {
  const { db } = countedLog();
  const pages = new ReplayPages({ db });
  const { signal } = new AbortController();
  await append(database.pool, { org: 'initech', type: 'secret', data: { name: 'Kim' } });
  const range = { org: 'initech', epoch, subscriptions: [], after: total, upTo: total + 1, signal };
  const before = await pages.read(range);
  expect(eventsOf(before)).toMatchObject([{ data: { name: 'Kim' } }]);
  await erase(database.pool, { org: 'initech' });
  pages.forget();
  const [event] = eventsOf(await pages.read(range));
  expect(event && isErased(event)).toBe(true);
});
