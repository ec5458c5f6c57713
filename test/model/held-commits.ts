import { readHead } from '../../src/log/head.ts';
import { holdCommits } from '../../src/testing/hold-commits.ts';
import type { TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

export interface HeldCommits {
  /** How many have been held so far, until others had overtaken them. */
  readonly count: number;
  /** Ends the one that is held, and begins no other. */
  stop(): Promise<void>;
}

/**
 * Holds one commit after another in its last instant: a fact of the business and its event, of type `held`. Each is let
 * go when others have been given later positions and are visible.
 */
export async function holdOneAfterAnother(database: TestDatabase, overtakenBy = 20): Promise<HeldCommits> {
  const commits = await holdCommits(database.url, { type: 'held' });
  const [writer, reader] = [await database.connect(), await database.connect()];
  const stop = new AbortController();
  let count = 0;
  const work = async () => {
    while (!stop.signal.aborted) {
      await commits.hold();
      const { last } = await readHead(reader);
      const committed = writer.query(
        `with fact as (
           insert into model.fact (id, transaction, writer, sequence, turn, row, version, org)
           values (gen_random_uuid(), gen_random_uuid(), 99, ${count + 1}, 0, 'held', ${count + 1}, 'acme')
           returning id
         )
         insert into commitcast.outbox (id, org_id, type, data) select id, 'acme', 'held', '{}' from fact`,
      );
      await commits.reached(1);
      await until(async () => stop.signal.aborted || (await readHead(reader)).last > last + overtakenBy);
      await commits.release();
      await committed;
      if (!stop.signal.aborted) count++;
    }
  };
  const working = work();
  working.catch(() => undefined);
  return {
    get count() {
      return count;
    },
    async stop() {
      stop.abort();
      try {
        await working;
      } finally {
        await commits.close();
      }
    },
  };
}
