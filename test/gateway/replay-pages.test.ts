import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import { ReplayPages } from '../../src/gateway/replay-pages.ts';
import { ask, epoch, HeldLog } from './held-log.ts';

const start = () => {
  const log = new HeldLog();
  return { log, pages: new ReplayPages({ db: log, maxReads: 4 }) };
};

describe('sharing', () => {
  it('P5: reads and encodes a range once for all who return to it at once', async () => {
    const { log, pages } = start();
    const asks = Array.from({ length: 200 }, (_, n) => ask(pages, { after: n % 20 }));
    for (let n = 0; n < 20; n++) {
      expect(log.running).toBe(Math.min(4, 20 - n));
      const statement = log.statement(n);
      statement.answer({ positions: [statement.after + 1] });
      await asks[n]?.page;
    }
    const got = await Promise.all(asks.map(({ page }) => page));
    expect(log.statements).toHaveLength(20);
    expect(new Set(got.flatMap(({ frames }) => frames)).size).toBe(20);
    for (const [n, { frames, count, to }] of got.entries()) {
      expect({ count, to }).toEqual({ count: 1, to: 20 });
      const [events, cursor] = frames[0]?.values ?? [];
      expect(events).toMatchObject([{ position: (n % 20) + 1, org: 'acme' }]);
      expect(cursor).toBe(`${epoch}-20`);
    }
  });

  it.each<[string, Subscription[], Subscription[]]>([
    ['another order', [{ unit: 'u1' }, { site: 's1' }], [{ site: 's1' }, { unit: 'u1' }]],
    ['one said twice', [{ unit: 'u1' }], [{ unit: 'u1' }, { unit: 'u1' }]],
    ['the org’s own events, said or not', [{ unit: 'u1' }], [{}, { unit: 'u1' }]],
    ['all of the org, with parts of it or not', [{ deep: true }], [{}, { deep: true }, { unit: 'u1' }]],
  ])('takes for the same: %s', (_, one, other) => {
    const { log, pages } = start();
    ask(pages, { subscriptions: one });
    ask(pages, { subscriptions: other });
    expect(log.statements).toHaveLength(1);
  });

  it('reads the org’s own events, whoever asks first', () => {
    const { log, pages } = start();
    ask(pages, { subscriptions: [{ unit: 'u1' }] });
    expect(log.statement(0).rooms?.toSorted()).toEqual(['org:acme', 'org:acme:unit:u1']);
  });

  it.each([
    ['org', { org: 'globex' }],
    ['position', { after: 11 }],
    ['unit', { subscriptions: [{ unit: 'u2' }] }],
    ['site of the name of the unit', { subscriptions: [{ site: 'u1' }] }],
    ['epoch', { epoch: 'ijklmnop' }],
  ])('P4: shares nothing with another %s', async (_, other) => {
    const { log, pages } = start();
    const own = { subscriptions: [{ unit: 'u1' }], epoch };
    const first = ask(pages, own);
    ask(pages, { ...own, ...other });
    expect(log.statements).toHaveLength(2);
    log.statement(0).answer({ positions: [11, 12] });
    await first.page;
    ask(pages, { ...own, ...other });
    ask(pages, own);
    expect(log.statements).toHaveLength(2);
  });
});

describe('what was asked up to', () => {
  it('P3: lets who asks for more join, and tells how far the page goes', async () => {
    const { log, pages } = start();
    ask(pages, { upTo: 20 });
    const more = ask(pages, { upTo: 30 });
    expect(log.statements).toHaveLength(1);
    log.statement(0).answer({ positions: [15] });
    expect(await more.page).toMatchObject({ count: 1, to: 20 });
    expect(await ask(pages, { upTo: 40 }).page).toMatchObject({ to: 20 });
  });

  it('P4: never gives a page that goes further', async () => {
    const { log, pages } = start();
    const first = ask(pages, { upTo: 20 });
    const less = ask(pages, { upTo: 19 });
    expect(log.statements.map(({ upTo }) => upTo)).toEqual([20, 19]);
    log.statement(0).answer({ positions: [11, 20] });
    expect(await first.page).toMatchObject({ to: 20 });
    log.statement(1).answer({ positions: [11] });
    expect(await less.page).toMatchObject({ count: 1, to: 19 });
    expect(await ask(pages, { upTo: 19 }).page).toMatchObject({ to: 19 });
    ask(pages, { upTo: 18 });
    expect(log.statement(2).upTo).toBe(18);
  });

  it('gives a full page that ends earlier to who asks for less than its reader did', async () => {
    const { log, pages } = start();
    const first = ask(pages, { upTo: 20 });
    log.statement(0).answer({ positions: [11, 12], more: true });
    expect(await first.page).toMatchObject({ count: 2, to: 12 });
    expect(await ask(pages, { upTo: 13 }).page).toBe(await first.page);
  });

  it('gives nobody a page that does not get him on', async () => {
    const { log, pages } = start();
    const first = ask(pages, { after: 10, upTo: 10 });
    ask(pages, { after: 10, upTo: 20 });
    expect(log.statements).toHaveLength(2);
    log.statement(0).answer();
    expect(await first.page).toMatchObject({ to: 10 });
    ask(pages, { after: 10, upTo: 10 });
    expect(log.statements).toHaveLength(3);
  });
});

describe('a session that ends', () => {
  it('is the only one to lose its page', async () => {
    const { log, pages } = start();
    const [gone, stays] = [ask(pages), ask(pages)];
    gone.leave();
    await expect(gone.page).rejects.toThrow('the session has ended');
    log.statement(0).answer({ positions: [12] });
    expect(await stays.page).toMatchObject({ count: 1 });
  });

  it('P5: is not held on to by the pages that it got, however many', async () => {
    const { log, pages } = start();
    const { signal } = new AbortController();
    const asked = [1, 2, 3].map((after) =>
      pages.read({ org: 'acme', epoch, subscriptions: [], after, upTo: 9, signal }),
    );
    expect(getEventListeners(signal, 'abort')).toHaveLength(3);
    log.statement(0).answer();
    log.statement(1).fail(new Error('no'));
    log.statement(2).answer();
    await Promise.allSettled(asked);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('P5: takes with it the statement that nobody else waits for, unless it has begun', async () => {
    const { log, pages } = start();
    const begun = [0, 1, 2, 3].map((after) => ask(pages, { after }));
    const [alone, one, other] = [
      ask(pages, { after: 5 }),
      ask(pages, { after: 6 }),
      ask(pages, { after: 6 }),
    ];
    for (const gone of [begun[0], alone, one]) gone?.leave();
    await expect(alone.page).rejects.toThrow('the session has ended');
    log.statement(0).answer({ positions: [7] });
    log.statement(1).answer();
    await begun[1]?.page;
    expect(log.statements.map(({ after }) => after)).toEqual([0, 1, 2, 3, 6]);
    // What nobody waits for any more is there for whoever comes back.
    expect(await ask(pages, { after: 0 }).page).toMatchObject({ count: 1 });
    log.statement(4).answer({ positions: [8] });
    expect(await other.page).toMatchObject({ count: 1 });
    ask(pages, { after: 5 });
    expect(log.statement(5).after).toBe(5);
  });

  it('begins nothing when it has ended before it asks', async () => {
    const { log, pages } = start();
    const signal = AbortSignal.abort(new Error('gone before'));
    const asked = pages.read({ org: 'acme', epoch, subscriptions: [], after: 1, upTo: 2, signal });
    await expect(asked).rejects.toThrow('gone before');
    expect(log.statements).toHaveLength(0);
  });
});

describe('a read that fails', () => {
  it('fails for all who wait for it; the next to ask reads again', async () => {
    const { log, pages } = start();
    const waiting = [ask(pages), ask(pages)];
    log.statement(0).fail(new Error('the connection has gone'));
    for (const { page } of waiting) await expect(page).rejects.toThrow('the connection has gone');
    const again = ask(pages);
    log.statement(1).answer({ positions: [11] });
    expect(await again.page).toMatchObject({ count: 1 });
  });

  it('P5: makes room for the next', async () => {
    const { log, pages } = start();
    const asks = [0, 1, 2, 3, 4].map((after) => ask(pages, { after }));
    for (const n of [0, 1, 2, 3]) log.statement(n).fail(new Error('no'));
    await Promise.allSettled(asks.slice(0, 4).map(({ page }) => page));
    expect(log.statement(4).after).toBe(4);
    expect(log.running).toBe(1);
  });
});
