import type { Executor } from '../db/executor.ts';
import type { RangePage } from '../log/read-page.ts';
import type { Claim } from './checkpoint.ts';
import { readNext, type NextPage } from './read-next.ts';

/**
 * Reads the page after this one while this one is handled, for a consumer that is behind: server and handler then work
 * at the same time.
 */
export class ReadAhead {
  readonly #db: Executor;
  #next: { after: number; page: Promise<RangePage | undefined> } | undefined;

  constructor(db: Executor) {
    this.#db = db;
  }

  /** The page after the position, if it was read. */
  async take(position: number): Promise<RangePage | undefined> {
    const next = this.#next;
    this.#next = undefined;
    return next?.after === position ? next.page : undefined;
  }

  /** What was read is not wanted any more. */
  drop(): void {
    this.#next = undefined;
  }

  prepare(next: NextPage & { claim: Claim }): void {
    if (next.position >= next.head.position) return;
    // Whatever is wrong with it shows when it is read in its own place.
    const page = readNext(next, this.#db).catch(() => undefined);
    this.#next = { after: next.position, page };
  }
}
