import { expect } from 'vitest';
import type { Executor } from '../../src/db/executor.ts';
import { readFacts } from '../support/business.ts';
import { checkHistory, flawless, isSeenBy, type Report } from '../support/history-checker.ts';
import type { Observer } from '../support/observers.ts';
import type { Writers } from '../support/writers.ts';

interface LogRow {
  position: number;
  id: string;
  org: string;
  site: string | undefined;
  unit: string | undefined;
}

/**
 * Waits until every observer has what the business rows say, and expects that they saw it as promised; that the log
 * tells the same as the business rows; and that each observer has exactly the log of its rooms, in its order.
 */
export async function expectPromisesKept(
  db: Executor,
  observers: readonly Observer[],
  writers: Writers,
): Promise<Report['looked']> {
  const facts = await readFacts(db);
  await Promise.all(observers.map((observer) => observer.complete(facts)));
  const report = checkHistory({ facts, clients: observers, spans: writers.spans });
  expect(report).toEqual({ ...flawless, examples: {}, looked: report.looked });

  const log = await readLog(db);
  expect(log.map(({ id }) => id).sort()).toEqual(facts.map(({ id }) => id).sort());
  for (const observer of observers) {
    expect(
      observer.events.map(({ position, id }) => `${position} ${id}`),
      observer.name,
    ).toEqual(log.filter((row) => isSeenBy(observer, row)).map(({ position, id }) => `${position} ${id}`));
  }
  return report.looked;
}

/** Every trap was in a transaction that was committed, every way to fail was taken. */
export function expectTrapsSprung({ counts }: Writers): void {
  expect(counts.rolledBack).toBeGreaterThan(0);
  expect(Object.keys(counts.failed)).toEqual(expect.arrayContaining(['40001', '40P01', 'MF001']));
  expect(Object.keys(counts.traps)).toEqual(
    expect.arrayContaining([
      'COPY',
      'SET CONSTRAINTS ALL DEFERRED again',
      'SET CONSTRAINTS ALL IMMEDIATE twice',
      'deferred foreign key',
      'event after the lock',
      'event before the lock',
      'many events',
      'one message',
      'parent deleted and inserted again',
      'parent locked',
      'repeatable read',
      'savepoint rolled back',
      'serializable',
      'session_replication_role=replica',
      'synchronous_commit=off',
    ]),
  );
}

export function describeRun(
  { counts, ended }: Writers,
  looked: Report['looked'],
  more: Record<string, unknown> = {},
): string {
  const { committed, rolledBack, unknown, failed } = counts;
  return JSON.stringify({ transactions: ended, committed, rolledBack, unknown, failed, ...looked, ...more });
}

async function readLog(db: Executor): Promise<LogRow[]> {
  const { rows } = await db.query(
    `select position::float8 as position, id, org_id as org, site_id as site, unit_id as unit from commitcast.log
     where type = 'changed' order by log.position`,
  );
  return (rows as (Omit<LogRow, 'site' | 'unit'> & Record<'site' | 'unit', string | null>)[]).map((row) => ({
    ...row,
    site: row.site ?? undefined,
    unit: row.unit ?? undefined,
  }));
}
