import { boolean, doublePrecision, integer, pgSchema, primaryKey, text } from 'drizzle-orm/pg-core';

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
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
