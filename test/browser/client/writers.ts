import { onTestFinished } from 'vitest';
import { sleep } from '../../../src/core/sleep.ts';
import { append } from '../../../src/log/append.ts';
import type { TestDatabase } from '../../support/database.ts';
import { chooseSeed, createRandom, type Random } from '../../support/random.ts';
import { until } from '../../support/until.ts';

export const units = ['u1', 'u2'] as const;

/** At most so many transactions in all, if nobody stops them. */
const limit = 6_000;

/**
 * Writers on connections of their own, one to three events a transaction, some rolled back, some of another org. They write until the test stops them, or ends.
 */
export function keepWriting(
  database: TestDatabase,
  { pauseMs = 30, writers = 3 } = {},
): { stop: () => Promise<void> } {
  const random = createRandom(chooseSeed('writers'));
  const stopped = new AbortController();
  const work = async (own: Random) => {
    const client = await database.connect();
    for (let n = 0; n < limit / writers && !stopped.signal.aborted; n++) {
      const org = own.chance(0.2) ? 'other' : 'acme';
      const events = Array.from({ length: 1 + own.below(3) }, () => {
        const place = own.chance(0.8) ? { site: 'pier', unit: own.pick(units) } : {};
        return { org, ...place, type: 'door.opened', data: { n } };
      });
      await client.query('begin');
      await append(client, events);
      await client.query(own.chance(0.1) ? 'rollback' : 'commit');
      await sleep(own.below(2 * pauseMs), stopped.signal);
    }
  };
  const all = Promise.all(Array.from({ length: writers }, () => work(random.fork())));
  const stop = async () => {
    stopped.abort();
    await all;
  };
  onTestFinished(stop);
  return { stop };
}

/** One event of `acme`. */
export async function write({ pool }: TestDatabase, unit: string = units[0]): Promise<void> {
  await append(pool, { org: 'acme', site: 'pier', unit, type: 'door.opened', data: {} });
}

/** Resolves when the log is so many events longer. */
export async function committed({ pool }: TestDatabase, count: number): Promise<void> {
  const length = async () => {
    const { rows } = await pool.query<{ count: string }>('select count(*) from commitcast.log');
    return Number(rows[0]?.count);
  };
  const before = await length();
  await until(async () => (await length()) >= before + count, { message: `${count} more events in the log` });
}
