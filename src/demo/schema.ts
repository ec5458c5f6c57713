import {
  bigint,
  boolean,
  doublePrecision,
  integer,
  pgSchema,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

/** The business tables of the demo: what an application of its own would have. */
export const demoSchema = pgSchema('commitcast_demo');

export const org = demoSchema.table('org', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  /** Shifts that have started. */
  shift: integer('shift').notNull().default(0),
  /** Transactions that were rolled back on purpose after they had appended; counted in a transaction of its own. */
  rolledBack: integer('rolled_back').notNull().default(0),
});

export const site = demoSchema.table(
  'site',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    alarm: boolean('alarm').notNull().default(false),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const unit = demoSchema.table(
  'unit',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    siteId: text('site_id').notNull(),
    name: text('name').notNull(),
    kind: text('kind').notNull(),
    limit: doublePrecision('temperature_limit').notNull(),
    /** Row of the recorded series that the next reading takes. */
    nextRow: integer('next_row').notNull(),
    /** Readings so far: the number of the last one. */
    readings: integer('readings').notNull().default(0),
    temperature: doublePrecision('temperature'),
    alarm: boolean('alarm').notNull().default(false),
    doorOpen: boolean('door_open').notNull().default(false),
    /** Of the unit's stream, which nobody else appends to. */
    version: integer('version').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

/** The read model: what the events say of each unit. Only the consumer `demo-units` writes it. */
export const unitView = demoSchema.table(
  'unit_view',
  {
    orgId: text('org_id').notNull(),
    id: text('unit_id').notNull(),
    siteId: text('site_id'),
    name: text('name'),
    limit: doublePrecision('temperature_limit'),
    temperature: doublePrecision('temperature'),
    /** As the last reading numbers itself. */
    number: integer('number'),
    readAt: timestamp('read_at', { withTimezone: true, precision: 3 }),
    /** The last readings, the newest at the end. */
    series: doublePrecision('series').array().notNull(),
    /** Of the alarm that is open now. */
    alarmSince: timestamp('alarm_since', { withTimezone: true, precision: 3 }),
    /** Alarms that were raised so far. */
    alarms: integer('alarms').notNull(),
    doorOpen: boolean('door_open').notNull(),
    doorBy: text('door_by'),
    /** Of the last event that this row has taken in. */
    position: bigint('position', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
