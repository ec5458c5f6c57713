import { lockClass, locks } from '../../../../src/db/advisory-lock.ts';
import type { Bench } from '../../harness/row.ts';
import { startChild } from '../../support/child.ts';
import { connectTo } from '../../support/connect-to.ts';

/** Who is there beside the writers. */
export type Company = (bench: Bench, databaseUrl: string) => Promise<Present>;

export interface Present {
  /** Resolves when whoever reads along has come to the end. */
  hasSeenAll?: () => Promise<void>;
}

/** Writers find a relay awake, so they say nothing; but nobody reads. */
export const awakeHeld: Company = async (bench, databaseUrl) => {
  const db = await connectTo(bench, databaseUrl);
  await db.query('select pg_advisory_lock($1, $2)', [lockClass, locks.awake]);
  return {};
};

/** The relay, in a process of its own on the core of Postgres. */
export const relayReading: Company = async (bench, databaseUrl) => {
  const child = startChild(bench, {
    args: [new URL('relay-process.ts', import.meta.url).pathname],
    core: bench.cores.server,
  });
  await child.call('start', databaseUrl);
  const db = await connectTo(bench, databaseUrl);
  return {
    hasSeenAll: async () => {
      const { rows } = await db.query<{ last: string }>('select max(position) as last from commitcast.log');
      await child.call('settled', Number(rows[0]?.last));
    },
  };
};

/** Somebody who hears the notifications; without a listener, NOTIFY would cost less. */
export const listening: Company = async (bench, databaseUrl) => {
  const db = await connectTo(bench, databaseUrl);
  await db.query('listen bench');
  return {};
};
