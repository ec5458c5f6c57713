/** Keys of the advisory locks, the same as in migrations/0001_positions.sql: class "comm", then the lock. */
export const lockClass = 1_668_246_893;

export const locks = {
  /** Shared by every transaction that is giving positions. */
  committing: 1,
  /** Exclusive while a relay polls; writers then skip NOTIFY. */
  awake: 2,
  /** Exclusive by the relay that leads. */
  leader: 3,
  /** Exclusive by the one migration. */
  migrate: 4,
} as const;
