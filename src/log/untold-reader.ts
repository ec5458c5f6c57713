import type { Executor } from '../db/executor.ts';
import { readFew } from './read-few.ts';
import type { RangePage } from './read-page.ts';
import { readRange } from './read-range.ts';
import { SettledReader } from './settled-reader.ts';
import { withoutGap } from './without-gap.ts';

const endOfLog = Number.MAX_SAFE_INTEGER;

export interface UntoldPage extends RangePage {
  /** What comes after the page: nothing that could be seen, more to read, or a position that is missing. */
  rest: 'nothing' | 'more' | 'gap';
}

/**
 * Reads the log without being told how far it is settled. What follows a position without a gap is settled: nothing below
 * can come any more. Only a gap takes a proof.
 */
export class UntoldReader {
  #settled: SettledReader;

  constructor(position: number) {
    this.#settled = new SettledReader(position);
  }

  /** Whether a position is awaited. */
  get waiting(): boolean {
    return this.#settled.waiting;
  }

  /** What follows a settled position without a gap; it never goes back. */
  async read(db: Executor, after: number): Promise<UntoldPage> {
    const page = (await readFew(db, after, endOfLog)) ?? (await readRange(db, after, endOfLog));
    const entries = withoutGap(page.entries, after);
    const to = after + entries.length;
    // What was waited for has come.
    if (this.#settled.head < to) this.#settled = new SettledReader(to);
    const isWhole = entries.length === page.entries.length;
    return { ...page, entries, to, rest: !isWhole ? 'gap' : page.to < endOfLog ? 'more' : 'nothing' };
  }

  /** After a page that a gap ended: how far all is settled. */
  prove(db: Executor): Promise<number> {
    return this.#settled.advance(db);
  }
}
