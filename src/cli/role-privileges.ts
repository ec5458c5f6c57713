/** Rights of one kind of role in the schema `commitcast`, as SQL names them. */
export interface RolePrivileges {
  tables: readonly { names: readonly string[]; privileges: readonly string[] }[];
  /** Of a table, of which the role has some columns only. */
  columns: readonly { table: string; privilege: string; names: readonly string[] }[];
  /** By the types of their arguments. */
  functions: readonly string[];
}

const consumerTables = [
  'consumer',
  'consumer_partition',
  'consumer_lease',
  'consumer_worker',
  'parked',
] as const;

/**
 * What the migrations grant to `commitcast_writer`, `commitcast_relay`, `commitcast_consumer` and `commitcast_reader`, for
 * roles that are not members of these; but whoever appends need not be able to revoke, and whoever reads events need not
 * read the tables of who may. A test compares them with the rights in a migrated database.
 */
export const rolePrivileges = {
  /** Business code that appends: `insert into commitcast.outbox`, `append`, `once`. */
  app: {
    tables: [],
    columns: [
      // Not `tx` and not `control`: nobody speaks for another transaction, or writes a control event.
      {
        table: 'outbox',
        privilege: 'insert',
        names: [
          'id',
          'org_id',
          'site_id',
          'unit_id',
          'type',
          'data',
          'stream',
          'version',
          'meta',
          'created_at',
        ],
      },
      { table: 'outbox', privilege: 'select', names: ['id', 'version'] },
    ],
    functions: ['lock_streams(jsonb)', 'append(jsonb, text, integer, integer)', 'once(text)'],
  },
  /** Instances: `serve`, `relay`, workers of consumers. */
  relay: {
    tables: [
      {
        names: [
          'log',
          'epoch',
          'partition',
          'identity',
          'stream',
          'membership',
          'revocation',
          'erasure',
          'adapter',
          'migration',
        ],
        privileges: ['select'],
      },
      { names: ['relay'], privileges: ['select', 'update'] },
      { names: ['attachment'], privileges: ['select', 'insert', 'delete'] },
      { names: ['instance', ...consumerTables], privileges: ['select', 'insert', 'update', 'delete'] },
    ],
    columns: [],
    functions: [
      'clear_outbox()',
      'partition_size()',
      'make_partitions()',
      'raise_floor(bigint)',
      'open_epoch(boolean)',
      'forget_keys(interval)',
      'sweep_erasures()',
      'sweep_revocations()',
      'keep_consumer(text, text, interval)',
      'rewind_consumer(text, bigint)',
    ],
  },
  /** Whose transactions handlers run in: `consume` with a `db` of its own. */
  consumer: {
    tables: [
      { names: ['log', 'relay', 'epoch', 'migration'], privileges: ['select'] },
      { names: consumerTables, privileges: ['select', 'insert', 'update', 'delete'] },
    ],
    columns: [],
    functions: ['keep_consumer(text, text, interval)', 'rewind_consumer(text, bigint)'],
  },
  /** `readLog`, `readStream`, `loadState`, `snapshot`; `commitcast tail`, `status` and `consumers list`. */
  reader: {
    tables: [
      {
        names: [
          'log',
          'relay',
          'epoch',
          'partition',
          'stream',
          'state',
          'erasure',
          'consumer',
          'consumer_partition',
          'consumer_lease',
          'parked',
          // Not granted to `commitcast_reader`: the check of the schema's version, and what instances say of themselves.
          'migration',
          'instance',
        ],
        privileges: ['select'],
      },
    ],
    columns: [],
    functions: [],
  },
} as const satisfies Record<string, RolePrivileges>;

export type RoleKind = keyof typeof rolePrivileges;
