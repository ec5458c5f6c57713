import type { Executor } from '../db/executor.ts';
import { errorText } from './blame.ts';
import { beginAttempt, saveError, type Claim } from './checkpoint.ts';

/** The attempts at the next event, when it is handled alone: each is counted before it begins. */
export class Attempts {
  /** Those that have begun, and not succeeded. */
  count = 0;
  /** Why the last one failed. */
  error: string | undefined;
  /** Counted, although nothing was to blame for it, and not taken back yet. */
  #owed = 0;

  /** What the database says. */
  adopt({ attempts, error }: { attempts: number; error: string | undefined }): void {
    this.count = Math.max(attempts - this.#owed, 0);
    this.error = error;
  }

  async begin(db: Executor, claim: Claim): Promise<void> {
    this.count = await beginAttempt(db, claim, this.#owed);
    this.#owed = 0;
  }

  async failed(db: Executor, claim: Claim, error: unknown, isBlamed: boolean): Promise<void> {
    this.error = errorText(error);
    if (!isBlamed) this.#owed = 1;
    await saveError(db, claim, this.error, this.#owed);
    this.#owed = 0;
  }

  /** The next event is another one. */
  over(): void {
    this.count = 0;
    this.error = undefined;
  }
}
