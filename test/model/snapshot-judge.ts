import type { Executor } from '../../src/db/executor.ts';
import { parseCursor } from '../../src/core/cursor.ts';

/** What somebody has loaded: the ids of the facts that they saw, and the cursor that they were told. */
export interface Loaded {
  facts: readonly string[];
  cursor: string;
}

/** The business state of the model: one fact for each event that a transaction has to say. */
export async function readState(db: Executor, cursor: string): Promise<Loaded> {
  const { rows } = await db.query('select id from model.fact');
  return { facts: (rows as { id: string }[]).map(({ id }) => id), cursor };
}

export interface Verdict {
  /** Facts in the state whose event comes after the cursor: shown twice. */
  overlaps: number;
  /** Facts that are not in the state although their event is not after the cursor: never shown. */
  holes: number;
  examples: string[];
}

/**
 * Judges by the whole log and all facts, when everything has ended: state and what comes after the cursor are the
 * truth, with nothing twice. It knows nothing of how snapshots are made.
 */
export async function judge(db: Executor, loaded: readonly Loaded[]): Promise<Verdict> {
  const { rows } = await db.query(
    `select f.id, l.position::float8 as position from model.fact f full join
       (select id, position from commitcast.log where type in ('changed', 'held')) l using (id)`,
  );
  const truth = rows as { id: string; position: number | null }[];
  const verdict: Verdict = { overlaps: 0, holes: 0, examples: [] };
  for (const { facts, cursor } of loaded) {
    const seen = new Set(facts);
    const { position: at } = parseCursor(cursor);
    for (const { id, position } of truth) {
      const follows = position !== null && position > at;
      if (seen.has(id) !== follows) continue;
      verdict[follows ? 'overlaps' : 'holes']++;
      if (verdict.examples.length < 5)
        verdict.examples.push(`${cursor}: ${id} at ${position} is ${follows ? 'in both' : 'in neither'}`);
    }
  }
  return verdict;
}
