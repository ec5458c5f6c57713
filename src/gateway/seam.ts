import { CommitcastError } from '../core/errors.ts';

interface Waiting {
  change: (position: number) => void;
  reject: (error: Error) => void;
}

/**
 * Changes that wait for the seam between two pages of a catch-up: the one moment at which all up to a position is
 * sent, and nothing after it. Also says when there will be none any more.
 */
export class Seam {
  /** None for most of a session's life. */
  #waiting: Waiting[] | undefined;
  /** Only for as long as somebody may wait: an `AbortController` takes as much memory as all the rest of a session. */
  #ending: AbortController | undefined;
  #ended = false;

  /** Changes that wait. */
  get size(): number {
    return this.#waiting?.length ?? 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Aborts at the end. */
  untilEnd(): AbortSignal {
    if (this.#ended) return AbortSignal.abort();
    this.#ending ??= new AbortController();
    return this.#ending.signal;
  }

  /** Nobody waits for the end any more who has asked before: the session is live. */
  rest(): void {
    this.#ending = undefined;
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
    this.#ending?.abort();
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
