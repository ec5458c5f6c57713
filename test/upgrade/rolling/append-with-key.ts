import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { append } from '../../../src/log/append.ts';
import type { Span } from '../../support/history-checker.ts';

export interface Keyed {
  readonly transaction: string;
  readonly span: Span;
  /** Appends the same with the same key; rejects when that is not known, or appends again. */
  repeat(library: typeof append): Promise<void>;
}

/** What a caller would retry after the upgrade: an append with a key, by the library of some version. */
export async function appendWithKey(database: Client, library: typeof append): Promise<Keyed> {
  const transaction = randomUUID();
  const about = { row: 'row of a key', writer: 99, sequence: 1, version: 1 };
  const event = {
    id: randomUUID(),
    org: 'acme',
    unit: 'u1',
    type: 'changed',
    data: about,
    meta: { by: 'kim' },
  };
  const call = (by: typeof append) => by(database, event, { key: 'of the old version' });
  const began = performance.now();
  await database.query('begin');
  const ids = await call(library);
  await database.query(
    'insert into upgrade.fact select * from jsonb_populate_record(null::upgrade.fact, $1)',
    [JSON.stringify({ ...event, ...about, turn: 0, transaction, read: false })],
  );
  await database.query('commit');
  return {
    transaction,
    span: { began, committed: performance.now() },
    async repeat(by) {
      const again = await call(by);
      if (again.join() !== ids.join()) throw new Error(`a key gave ${again.join()} instead of ${ids.join()}`);
    },
  };
}
