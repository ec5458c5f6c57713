import type { Executor } from '../db/executor.ts';
import { few, readFew } from './read-few.ts';
import { readPage, type RangePage } from './read-page.ts';

const limit = 1_000;

/** The first page of `(after, upTo]`, rising. The caller knows that `upTo` is settled. */
export async function readRange(db: Executor, after: number, upTo: number): Promise<RangePage> {
  const page = upTo - after <= few ? await readFew(db, after, upTo) : undefined;
  return page ?? readPage(db, { after, upTo, limit });
}
