import { CommitcastError } from '../core/errors.ts';

interface Waiting {
  change: (position: number) => void;
  reject: (error: Error) => void;
}

/**
 * Changes that wait for the seam between two pages of a catch-up: the one moment at which all up to a position is
 * sent, and nothing after it.
 */
export class Seam {
  /** None for most of a session's life. */
  #waiting: Waiting[] | undefined;
  #ended = false;

  /** Changes that wait. */
  get size(): number {
    return this.#waiting?.length ?? 0;
  }

  /** Makes the change at the next seam; resolves with its position. Rejects when it throws, or when there is no seam any more. */
  wait(change: () => void): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(hasEnded());
        return;
      }
      const changeAt = (position: number) => {
        try {
          change();
          resolve(position);
        } catch (error) {
          reject(error);
        }
      };
      this.#waiting ??= [];
      this.#waiting.push({ change: changeAt, reject });
    });
  }

  reach(position: number): void {
    for (const { change } of this.#takeAll()) change(position);
  }

  end(): void {
    this.#ended = true;
    for (const { reject } of this.#takeAll()) reject(hasEnded());
  }

  #takeAll(): readonly Waiting[] {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    return waiting;
  }
}

function hasEnded(): CommitcastError {
  return new CommitcastError('SUBSCRIPTION_DENIED', 'The session has ended');
}
