/** Anything that runs one parameterised statement: a `pg` client or pool, or an adapter of another driver. */
export interface Executor {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** Runs a statement and names its row type. */
export async function rowsOf<Row>(db: Executor, text: string, values?: unknown[]): Promise<Row[]> {
  const { rows } = await db.query(text, values);
  return rows as Row[];
}
