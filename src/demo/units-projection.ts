import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import type { Pool } from 'pg';
import type { Consume, ConsumerHandle } from '../consumer/consumers.ts';
import type { Erased } from '../consumer/options.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { orgs } from './orgs.ts';
import { unitView } from './schema.ts';
import { unitOf } from './stream.ts';
import { transaction, type Transaction } from './transaction.ts';
import { evolve, unitViewTypes, type UnitView } from './unit-view.ts';

/** Its checkpoint is the position that `commitcast_demo.unit_view` stands for. */
export const unitsProjection = 'demo-units';

type UnitEvent = CommitcastEvent & { unit: string };

const demoOrgIds: ReadonlySet<string> = new Set(orgs.map(({ id }) => id));

/** Keeps the read model of the units: written from the events alone, so `commitcast consumers rebuild` makes it anew. */
export function projectUnits(consume: Consume, pool: Pool): ConsumerHandle {
  return consume<Transaction>(
    {
      name: unitsProjection,
      types: unitViewTypes,
      db: { transaction: (work) => transaction(pool, work) },
      // Not by truncate, which waits for every reader, and shows an empty table to those who read an older moment.
      reset: (tx) => tx.delete(unitView),
      onErase: forget,
    },
    (tx, events) => project(tx, events.filter(isOfUnit)),
  );
}

async function project(tx: Transaction, events: readonly UnitEvent[]): Promise<void> {
  if (events.length === 0) return;
  const ids = [...new Set(events.map(({ unit }) => unit))];
  const rows = await tx.select().from(unitView).where(inArray(unitView.id, ids));
  const views = new Map(rows.map((row) => [keyOf(row.orgId, row.id), row]));
  const changed = new Map<string, UnitView>();
  for (const event of events) {
    const key = keyOf(event.org, event.unit);
    changed.set(key, evolve(changed.get(key) ?? views.get(key), event));
  }
  await tx
    .insert(unitView)
    .values([...changed.values()])
    .onConflictDoUpdate({ target: [unitView.orgId, unitView.id], set: asInserted });
}

/** The name of a unit, its readings and who opened its door: all of it came from what was erased. */
async function forget(tx: Transaction, { org, stream }: Erased): Promise<void> {
  const unit = stream === undefined ? undefined : unitOf(stream);
  if (stream !== undefined && unit === undefined) return;
  const ofOrg = eq(unitView.orgId, org);
  await tx.delete(unitView).where(unit === undefined ? ofOrg : and(ofOrg, eq(unitView.id, unit)));
}

const asInserted = Object.fromEntries(
  Object.entries(getTableColumns(unitView)).map(([key, { name }]) => [
    key,
    sql`excluded.${sql.identifier(name)}`,
  ]),
);

function isOfUnit(event: CommitcastEvent): event is UnitEvent {
  return event.unit !== undefined && demoOrgIds.has(event.org);
}

function keyOf(org: string, unit: string): string {
  // Both are identifiers, without spaces.
  return `${org} ${unit}`;
}
