import { describe, expect, it } from 'vitest';
import { Ledger, maxRows } from '../../src/console/ledger.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';

function makeStorage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
}

const at = (position: number, number: number, type = 'reading.recorded'): CommitcastEvent => ({
  position,
  id: String(position),
  org: 'acme',
  unit: 'truck-1',
  type,
  time: new Date(position).toISOString(),
  data: { temperature: 1, number },
});

/** What a page shows that is opened now. */
const reloaded = (storage: ReturnType<typeof makeStorage>) => new Ledger('acme', storage).view.get();

describe('what the page has received', () => {
  it('is counted by itself: what comes twice, out of order, after its rollback, or not at all', () => {
    const ledger = new Ledger('acme', makeStorage());
    for (const event of [at(3, 1), at(5, 2)]) ledger.receive(event, false);
    for (const event of [at(5, 2), at(4, 3), at(9, 6), at(10, 0, 'ghost.appended')])
      ledger.receive(event, true);
    const { counts, rows } = ledger.view.get();
    expect(counts).toEqual({ received: 5, replayed: 3, twice: 1, disordered: 1, missing: 2, ghosts: 1 });
    expect(rows.map((row) => 'event' in row && row.event.position)).toEqual([10, 9, 4, 5, 3]);
  });

  it('is kept together with the cursor, so that a reload shows what the cursor stands for', () => {
    const storage = makeStorage();
    const ledger = new Ledger('acme', storage);
    ledger.receive(at(3, 1), false);
    ledger.store.save(JSON.stringify({ cursor: 'aaaaaaaa-3' }));
    ledger.save();
    ledger.receive(at(5, 2), false);
    ledger.store.save(JSON.stringify({ cursor: 'aaaaaaaa-5' }));
    expect(reloaded(storage)).toMatchObject({ last: 3, cursor: 'aaaaaaaa-3', rows: [{ event: at(3, 1) }] });
    ledger.save();
    expect(reloaded(storage)).toMatchObject({ last: 5, cursor: 'aaaaaaaa-5', counts: { received: 2 } });
  });

  it('is the older state with the older cursor when the storage is full', () => {
    const storage = makeStorage();
    const ledger = new Ledger('acme', storage);
    ledger.receive(at(3, 1), false);
    ledger.store.save(JSON.stringify({ cursor: 'aaaaaaaa-3' }));
    ledger.save();
    storage.setItem = () => {
      throw new Error('full');
    };
    ledger.receive(at(5, 2), false);
    ledger.store.save(JSON.stringify({ cursor: 'aaaaaaaa-5' }));
    ledger.save();
    expect(reloaded(storage)).toMatchObject({ last: 3, cursor: 'aaaaaaaa-3' });
  });

  it('is bounded: the newest stay', () => {
    const ledger = new Ledger('acme', makeStorage());
    for (let position = 1; position <= maxRows + 20; position++)
      ledger.receive(at(position, position), false);
    const { rows, counts } = ledger.view.get();
    expect(rows).toHaveLength(maxRows);
    expect(rows[0]).toMatchObject({ event: { position: maxRows + 20 } });
    expect(counts).toMatchObject({ received: maxRows + 20, missing: 0 });
  });

  it('is void after a reset, but for what is followed', () => {
    const ledger = new Ledger('acme', makeStorage());
    ledger.follow([{ unit: 'truck-1' }]);
    ledger.receive(at(3, 1), false);
    ledger.clear();
    expect(ledger.view.get()).toMatchObject({ rows: [], last: 0, followed: [{ unit: 'truck-1' }] });
  });
});
