import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

/** The tables as drizzle sees them. The SQL files in `migrations/` make them, with what drizzle has no words for. */
export const commitcast = pgSchema('commitcast');

/** Domain `commitcast.identifier`: 1 to 128 characters of A-Z a-z 0-9 . _ ~ - */
const identifier = customType<{ data: string }>({ dataType: () => 'commitcast.identifier' });
const at = (name: string) => timestamp(name, { withTimezone: true });

/**
 * What a transaction wants to say; only the columns that a writer may give.
 *
 * @example
 * await db.transaction(async (tx) => {
 *   await tx.insert(outbox).values({ orgId: 'acme', unitId: 'truck-7', type: 'door.opened', data: { by: 'kim' } });
 * });
 */
export const outbox = commitcast.table('outbox', {
  id: uuid('id')
    .notNull()
    .default(sql`gen_random_uuid()`),
  orgId: identifier('org_id').notNull(),
  siteId: identifier('site_id'),
  unitId: identifier('unit_id'),
  type: text('type').notNull(),
  data: jsonb('data').notNull(),
  stream: text('stream'),
  version: bigint('version', { mode: 'number' }),
  meta: jsonb('meta'),
  createdAt: at('created_at')
    .notNull()
    .default(sql`clock_timestamp()`),
});

/** What was committed, in commit order. Append-only. */
export const log = commitcast.table('log', {
  position: bigint('position', { mode: 'number' }).primaryKey(),
  id: uuid('id').notNull(),
  orgId: identifier('org_id').notNull(),
  siteId: identifier('site_id'),
  unitId: identifier('unit_id'),
  type: text('type').notNull(),
  data: jsonb('data').notNull(),
  stream: text('stream'),
  version: bigint('version', { mode: 'number' }),
  meta: jsonb('meta'),
  createdAt: at('created_at').notNull(),
  committedAt: at('committed_at').notNull(),
  timeline: integer('timeline').notNull(),
  logOid: bigint('log_oid', { mode: 'number' }).notNull(),
  control: boolean('control').notNull(),
  room: text('room').notNull(),
});

export const relay = commitcast.table('relay', {
  singleton: boolean('singleton').primaryKey().default(true),
  published: bigint('published', { mode: 'number' }).notNull().default(0),
  floor: bigint('floor', { mode: 'number' }).notNull().default(1),
  leader: text('leader'),
  heartbeat: bigint('heartbeat', { mode: 'number' }).notNull().default(0),
  updatedAt: at('updated_at').notNull().defaultNow(),
});

export const epoch = commitcast.table('epoch', {
  epoch: text('epoch').primaryKey(),
  ordinal: integer('ordinal').notNull().generatedAlwaysAsIdentity(),
  systemIdentifier: bigint('system_identifier', { mode: 'bigint' }).notNull(),
  timeline: integer('timeline').notNull(),
  databaseOid: bigint('database_oid', { mode: 'number' }).notNull(),
  logOid: bigint('log_oid', { mode: 'number' }).notNull(),
  previousEnd: bigint('previous_end', { mode: 'number' }).notNull(),
  openedAt: at('opened_at').notNull().defaultNow(),
});

/** The bundled server's answer to "whose user is this". Null `sites` or `units`: all of the org. */
export const membership = commitcast.table(
  'membership',
  {
    userId: text('user_id').notNull(),
    orgId: identifier('org_id').notNull(),
    profileId: text('profile_id'),
    email: text('email'),
    role: text('role').notNull().default('member'),
    sites: text('sites').array(),
    units: text('units').array(),
    isPrimary: boolean('is_primary').notNull().default(false),
    createdAt: at('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.orgId] })],
);

export const revocation = commitcast.table('revocation', {
  orgId: identifier('org_id').notNull(),
  userId: text('user_id').notNull(),
  siteId: identifier('site_id'),
  unitId: identifier('unit_id'),
  position: bigint('position', { mode: 'number' }).notNull(),
  at: at('at').notNull(),
});

export const stream = commitcast.table(
  'stream',
  {
    orgId: identifier('org_id').notNull(),
    stream: text('stream').notNull(),
    version: bigint('version', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.stream] })],
);

/** What each instance says of itself. Unlogged: it is about now. */
export const instance = commitcast.table('instance', {
  id: uuid('id').primaryKey(),
  kind: text('kind', { enum: ['serve', 'relay'] }).notNull(),
  host: text('host').notNull(),
  pid: integer('pid').notNull(),
  version: text('version').notNull(),
  startedAt: at('started_at').notNull(),
  seenAt: at('seen_at').notNull(),
  status: jsonb('status').notNull(),
});
