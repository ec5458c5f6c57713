import { describe, expect, it } from 'vitest';
import { ReplayPages, type ReplayPagesOptions } from '../../src/gateway/replay-pages.ts';
import { ask, epoch, HeldLog, type Answer } from './held-log.ts';

const start = (options: Omit<ReplayPagesOptions, 'db'> = {}) => {
  const log = new HeldLog();
  const clock = { ms: 0 };
  const pages = new ReplayPages({ db: log, ...options }, () => clock.ms);
  /** Asks, and answers its statement if it needs one. Says whether it did. */
  const readFrom = async (after: number, answer: Answer = { positions: [after + 1] }, upTo = 1_000) => {
    const before = log.statements.length;
    const { page } = ask(pages, { after, upTo });
    const hasRead = log.statements.length > before;
    if (hasRead) log.statement(-1).answer(answer);
    await page;
    return hasRead;
  };
  return { log, clock, pages, readFrom };
};

describe('admission', () => {
  it('P5: has four statements at once, unless told otherwise', async () => {
    for (const [options, most] of [[{}, 4] as const, [{ maxReads: 2 }, 2] as const]) {
      const { log, pages } = start(options);
      const asks = Array.from({ length: 10 }, (_, after) => ask(pages, { after }));
      for (let n = 0; n < 10; n++) {
        expect(log.running).toBe(Math.min(most, 10 - n));
        log.statement(n).answer();
        await asks[n]?.page;
      }
      expect(log.running).toBe(0);
    }
  });

  it('P5: an org with 5,000 ranges to read does not keep another org waiting', async () => {
    const { log, pages } = start();
    const many = Array.from({ length: 5_000 }, (_, after) => ask(pages, { after, upTo: 6_000 }));
    const one = ask(pages, { org: 'globex' });
    const two = ask(pages, { org: 'initech' });
    for (const n of [0, 1, 2]) {
      log.statement(n).answer();
      await many[n]?.page;
    }
    // The first of the crowd had its turn before the others came, then each has one.
    expect(log.statements.slice(4).map(({ org }) => org)).toEqual(['acme', 'globex', 'initech']);
    log.statement(5).answer({ positions: [11] });
    log.statement(6).answer({ positions: [12] });
    expect(await one.page).toMatchObject({ count: 1 });
    expect(await two.page).toMatchObject({ count: 1 });
    expect(log.statements).toHaveLength(9);
    expect(log.statements.slice(7).map(({ org, after }) => `${org} ${after}`)).toEqual(['acme 5', 'acme 6']);
  });
});

describe('forgetting', () => {
  it('P4: gives nothing that was read before to who asks after', async () => {
    const { pages, readFrom } = start();
    await readFrom(10);
    expect(await readFrom(10)).toBe(false);
    pages.forget();
    expect(await readFrom(10)).toBe(true);
  });

  it.each(['first', 'last'])(
    'P4: parts those who asked before from those who ask after, when the old read ends %s',
    async (end) => {
      const { log, pages } = start();
      const before = ask(pages);
      pages.forget();
      const after = ask(pages);
      expect(log.statements).toHaveLength(2);
      const [old, young] = [log.statement(0), log.statement(1)];
      const endOld = async () => {
        old.answer({ positions: [11, 12, 13] });
        expect(await before.page).toMatchObject({ count: 3 });
      };
      const endYoung = async () => {
        // Nothing that the old read did has parted this one from those who may join it.
        const joins = ask(pages);
        young.answer({ positions: [14] });
        expect(await joins.page).toBe(await after.page);
      };
      for (const next of end === 'first' ? [endOld, endYoung] : [endYoung, endOld]) await next();
      expect(await ask(pages).page).toMatchObject({ count: 1 });
      expect(log.statements).toHaveLength(2);
    },
  );

  it('P4: parts them also when the old read has failed, or nobody has waited for it to begin', async () => {
    const { log, pages } = start({ maxReads: 1 });
    const [busy, waits] = [ask(pages, { after: 1 }), ask(pages, { after: 2 })];
    pages.forget();
    const [again, waitsToo] = [ask(pages, { after: 1 }), ask(pages, { after: 2 })];
    waits.leave();
    log.statement(0).fail(new Error('no'));
    await expect(busy.page).rejects.toThrow('no');
    const joins = [ask(pages, { after: 1 }), ask(pages, { after: 2 })];
    log.statement(1).answer({ positions: [3] });
    expect(await joins[0]?.page).toBe(await again.page);
    log.statement(2).answer({ positions: [4] });
    expect(await joins[1]?.page).toBe(await waitsToo.page);
    expect(log.statements).toHaveLength(3);
  });
});

describe('keeping', () => {
  it('keeps a page as long as it was told to, from the moment it was read', async () => {
    const { clock, readFrom } = start({ maxAgeMs: 1_000 });
    clock.ms = 500;
    await readFrom(10);
    clock.ms = 1_499;
    expect(await readFrom(10)).toBe(false);
    clock.ms = 1_500;
    expect(await readFrom(10)).toBe(true);
    clock.ms = 2_499;
    expect(await readFrom(10)).toBe(false);
  });

  it('keeps nothing when told to', async () => {
    const { readFrom } = start({ maxAgeMs: 0 });
    await readFrom(10);
    expect(await readFrom(10)).toBe(true);
  });

  it('P5: keeps no more bytes than it was told to; the oldest go first', async () => {
    // Of each page the JSON, as text and once as it was sent: four have room, five have not.
    const { readFrom } = start({ maxBytes: 90_000 });
    const bytes = 10_000;
    for (const after of [1, 2, 3, 4]) await readFrom(after, { positions: [after + 1], bytes });
    for (const after of [1, 2, 3, 4]) expect(await readFrom(after)).toBe(false);
    await readFrom(5, { positions: [6], bytes });
    for (const after of [2, 3, 4, 5]) expect(await readFrom(after)).toBe(false);
    expect(await readFrom(1)).toBe(true);
  });

  it('P5: counts pages without events, too', async () => {
    const { readFrom } = start({ maxBytes: 100_000 });
    for (let after = 0; after < 500; after++) await readFrom(after, {});
    expect(await readFrom(499)).toBe(false);
    expect(await readFrom(0)).toBe(true);
  });

  it('gives back the bytes of what is forgotten, too old, or read anew', async () => {
    const { clock, pages, readFrom } = start({ maxBytes: 50_000, maxAgeMs: 1_000 });
    const large = { positions: [500], bytes: 10_000 };
    const rounds = [() => pages.forget(), () => (clock.ms += 1_000)];
    for (const round of [...rounds, ...rounds]) {
      await readFrom(1, large);
      await readFrom(2, large);
      expect(await readFrom(1)).toBe(false);
      round();
    }
    for (const upTo of [900, 800, 700, 600]) expect(await readFrom(2, large, upTo)).toBe(true);
    await readFrom(1, large);
    for (const upTo of [590, 580, 570]) expect(await readFrom(2, large, upTo)).toBe(true);
    expect(await readFrom(1)).toBe(false);
  });

  it('does not give up all that it has for one page that is larger than all of it', async () => {
    const { readFrom } = start({ maxBytes: 50_000 });
    await readFrom(1);
    await readFrom(2, { positions: [3], bytes: 30_000 });
    expect(await readFrom(2)).toBe(true);
    expect(await readFrom(1)).toBe(false);
  });

  it.each([
    ['nobody has opened', {}, null],
    ['the reader does not know of', { epoch }, 'ijklmnop'],
  ])('P3: keeps no page of a history that %s', async (_, asked, found) => {
    const { log, pages } = start();
    const first = ask(pages, asked);
    log.statement(0).answer({ positions: [11], epoch: found });
    expect(await first.page).toMatchObject({ count: 1, epoch: found ?? undefined });
    ask(pages, asked);
    expect(log.statements).toHaveLength(2);
  });
});
