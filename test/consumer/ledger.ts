import { expect } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { Executor } from '../../src/db/executor.ts';
import { until } from '../support/until.ts';

/**
 * What the handlers of the tests write: a line for every event handled, without any constraint that could hide one that
 * was handled twice, and a total per org that is worked out from it as a read model is.
 */
export async function createLedger(db: Executor): Promise<void> {
  await db.query(`
    create table line (n bigint generated always as identity, consumer text, org text, position bigint, data jsonb);
    create table total (consumer text, org text, events int, sum bigint, primary key (consumer, org))`);
}

export async function writeLines(
  tx: Executor,
  consumer: string,
  events: readonly CommitcastEvent[],
): Promise<void> {
  await tx.query(
    `insert into line (consumer, org, position, data)
     select $1, org, position, data from jsonb_to_recordset($2::jsonb) e (org text, position bigint, data jsonb)`,
    [consumer, JSON.stringify(events)],
  );
}

export async function raiseTotals(
  tx: Executor,
  consumer: string,
  events: readonly CommitcastEvent[],
): Promise<void> {
  // Rows of several orgs are always locked in one order.
  for (const { org, data } of events.toSorted((a, b) => a.org.localeCompare(b.org)))
    await tx.query(
      `insert into total as t values ($1, $2, 1, $3)
       on conflict (consumer, org) do update set events = t.events + 1, sum = t.sum + excluded.sum`,
      [consumer, org, Number(data)],
    );
}

export interface Line {
  org: string;
  position: number;
  data: unknown;
}

/** In the order in which they were written. */
export async function linesOf(db: Executor, consumer: string): Promise<Line[]> {
  const { rows } = await db.query(
    'select org, position::int, data from line where consumer = $1 order by n',
    [consumer],
  );
  return rows as Line[];
}

export async function dataOf(db: Executor, consumer: string): Promise<unknown[]> {
  return (await linesOf(db, consumer)).map(({ data }) => data);
}

/** The log's events, by org in order. */
export async function readTruth(db: Executor): Promise<Line[]> {
  const { rows } = await db.query(
    'select org_id as org, position::int, data from commitcast.log where not control order by position',
  );
  return rows as Line[];
}

/** Waits until all partitions have come to the end of the log. */
export async function untilThrough(db: Executor, consumer: string): Promise<void> {
  await until(
    async () => {
      const { rows } = await db.query(
        `select min(position) >= (select coalesce(max(position), 0) from commitcast.log) as through,
           array_agg(position order by partition) as positions, array_agg(error) as errors
         from commitcast.consumer_partition where name = $1`,
        [consumer],
      );
      const [row] = rows as { through: boolean | null }[];
      if (row?.through) return true;
      throw new Error(JSON.stringify(rows));
    },
    { message: `${consumer} to be through`, timeoutMs: 45_000 },
  );
}

/** Every event of the log has exactly one line, and those of an org are in its order. */
export async function expectExactlyOnce(db: Executor, consumer: string): Promise<void> {
  await untilThrough(db, consumer);
  expect(byOrg(await linesOf(db, consumer))).toEqual(byOrg(await readTruth(db)));
}

/** The totals are those of the log. */
export async function expectTotals(db: Executor, consumer: string): Promise<void> {
  await untilThrough(db, consumer);
  const { rows } = await db.query(
    'select org, events, sum::int from total where consumer = $1 order by org',
    [consumer],
  );
  const { rows: truth } = await db.query(
    `select org_id as org, count(*)::int as events, sum(data::int)::int as sum
     from commitcast.log where not control group by 1 order by 1`,
  );
  expect(rows).toEqual(truth);
}

function byOrg(lines: readonly Line[]): Record<string, Omit<Line, 'org'>[]> {
  const orgs: Record<string, Omit<Line, 'org'>[]> = {};
  for (const { org, ...line } of lines.toSorted((a, b) => a.org.localeCompare(b.org)))
    (orgs[org] ??= []).push(line);
  return orgs;
}

export interface PartitionRow {
  partition: number;
  position: number;
  attempts: number;
  error: string | null;
  failed: boolean;
}

export async function partitionsOf(db: Executor, consumer: string): Promise<PartitionRow[]> {
  const { rows } = await db.query(
    `select partition, position::int, attempts, error, failed from commitcast.consumer_partition
     where name = $1 order by partition`,
    [consumer],
  );
  return rows as PartitionRow[];
}

export interface ParkedRow {
  position: number;
  lane: string;
  error: string | null;
  attempts: number;
  asked: string | null;
}

export async function parkedOf(db: Executor, consumer: string): Promise<ParkedRow[]> {
  const { rows } = await db.query(
    'select position::int, lane, error, attempts, asked from commitcast.parked where name = $1 order by position',
    [consumer],
  );
  return rows as ParkedRow[];
}
