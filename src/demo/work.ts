import { and, count, eq, sql } from 'drizzle-orm';
import type { Pool } from 'pg';
import type { NewEvent } from '../core/event.ts';
import { append } from '../log/append.ts';
import type { Recorded } from './recorded.ts';
import { org, site, unit } from './schema.ts';
import { streamOf } from './stream.ts';
import { transaction, type Transaction } from './transaction.ts';

/** Each function is one business transaction: it changes the tables and appends what it has to say. */

type UnitRow = typeof unit.$inferSelect;

export interface UnitKey {
  readonly orgId: string;
  readonly id: string;
}

/** An alarm ends only when it is so much cooler than the limit: one that flutters helps nobody. Degrees Celsius. */
const hysteresis = 0.5;

/** So many units of one site with an alarm are an alarm of the site. */
const siteAlarmUnits = 2;

/** The unit's probe reports the next recorded hour; alarms of the unit, and of its site, follow from it. */
export async function recordReading(pool: Pool, key: UnitKey, recorded: readonly Recorded[]): Promise<void> {
  await transaction(pool, async (tx) => {
    const before = await lockUnit(tx, key);
    const row = recorded[before.nextRow % recorded.length];
    if (!row) return;
    const { temperature, pressure, time } = row;
    const alarm = temperature > before.limit - (before.alarm ? hysteresis : 0);
    const number = before.readings + 1;
    const nextRow = (before.nextRow + 1) % recorded.length;
    const { name, limit } = before;
    const about = aboutUnit(before);
    const ofUnit: NewEvent[] = [
      {
        ...about,
        type: 'reading.recorded',
        data: { name, number, temperature, pressure, limit, alarm, recorded: time },
      },
    ];
    if (alarm !== before.alarm)
      ofUnit.push({
        ...about,
        type: alarm ? 'alarm.raised' : 'alarm.cleared',
        data: { name, temperature, limit },
      });
    const version = before.version + ofUnit.length;
    await tx.update(unit).set({ nextRow, readings: number, temperature, alarm, version }).where(is(key));
    await append(tx, [...ofUnit, ...(alarm === before.alarm ? [] : await judgeSite(tx, before))]);
  });
}

/** A site's alarm names no unit: it reaches who subscribes to the site itself. */
async function judgeSite(tx: Transaction, { orgId, siteId }: UnitRow): Promise<NewEvent[]> {
  const own = and(eq(site.orgId, orgId), eq(site.id, siteId));
  // Taken before counting: of two units whose alarms change at once, the second counts what the first has committed.
  const [before] = await tx.select().from(site).where(own).for('update');
  const [counted] = await tx
    .select({ units: count() })
    .from(unit)
    .where(and(eq(unit.orgId, orgId), eq(unit.siteId, siteId), unit.alarm));
  const units = counted?.units ?? 0;
  const alarm = units >= siteAlarmUnits;
  if (!before || alarm === before.alarm) return [];
  await tx.update(site).set({ alarm }).where(own);
  const type = alarm ? 'alarm.raised' : 'alarm.cleared';
  return [{ org: orgId, site: siteId, type, data: { name: before.name, units } }];
}

const crew = ['Ida', 'Kim', 'Noor', 'Sam'];

/** Somebody opens the unit's door, or closes it. */
export async function moveDoor(pool: Pool, key: UnitKey): Promise<void> {
  await transaction(pool, async (tx) => {
    const before = await lockUnit(tx, key);
    const doorOpen = !before.doorOpen;
    await tx
      .update(unit)
      .set({ doorOpen, version: before.version + 1 })
      .where(is(key));
    const type = doorOpen ? 'door.opened' : 'door.closed';
    const by = crew[Math.floor(Math.random() * crew.length)];
    await append(tx, { ...aboutUnit(before), type, data: { name: before.name, by } });
  });
}

/** An event of the org itself. */
export async function startShift(pool: Pool, orgId: string): Promise<void> {
  await transaction(pool, async (tx) => {
    const [row] = await tx
      .update(org)
      .set({ shift: sql`${org.shift} + 1` })
      .where(eq(org.id, orgId))
      .returning({ shift: org.shift });
    const team = ['early', 'late', 'night'][(row?.shift ?? 0) % 3];
    await append(tx, { org: orgId, type: 'shift.started', data: { shift: row?.shift, team } });
  });
}

class OnPurpose extends Error {}

/**
 * Changes a unit, appends, and rolls back: nobody may ever get a `ghost.appended`. Then tells, in a transaction of its
 * own, how many there were, so that a page can say how many did not arrive.
 */
export async function rollBack(pool: Pool, key: UnitKey): Promise<void> {
  try {
    await transaction(pool, async (tx) => {
      const before = await lockUnit(tx, key);
      await tx.update(unit).set({ temperature: -273.15, alarm: true }).where(is(key));
      await append(tx, { ...aboutUnit(before), type: 'ghost.appended', data: { name: before.name } });
      throw new OnPurpose();
    });
  } catch (error) {
    if (!(error instanceof OnPurpose)) throw error;
  }
  await transaction(pool, async (tx) => {
    const [row] = await tx
      .update(org)
      .set({ rolledBack: sql`${org.rolledBack} + 1` })
      .where(eq(org.id, key.orgId))
      .returning({ rolledBack: org.rolledBack });
    await append(tx, { org: key.orgId, type: 'rollback.counted', data: { count: row?.rolledBack } });
  });
}

/** Writers that meet at a unit come one after the other, and their events in the same order. */
async function lockUnit(tx: Transaction, key: UnitKey): Promise<UnitRow> {
  const [row] = await tx.select().from(unit).where(is(key)).for('update');
  if (!row) throw new Error(`The demo has no unit ${key.orgId}/${key.id}`);
  return row;
}

function is({ orgId, id }: UnitKey) {
  return and(eq(unit.orgId, orgId), eq(unit.id, id));
}

/** The row is locked, so this expectation holds: else somebody else has appended to the stream of the unit. */
function aboutUnit({ orgId, siteId, id, version }: UnitRow) {
  return { org: orgId, site: siteId, unit: id, stream: streamOf(id), expectedVersion: version };
}
