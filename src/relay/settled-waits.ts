import { Distribution } from '../core/distribution.ts';
import type { SettledReader } from '../log/settled-reader.ts';

/** Seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** How long the head has stood before a position that was missing, and for want of what. Told after each read. */
export class SettledWaits {
  /** Over before it had to be asked who is committing: commits in their last milliseconds, and positions that nobody holds. */
  readonly brief = new Distribution(bounds);
  /** Somebody was found who held it back. */
  readonly held = new Distribution(bounds);
  readonly #now: () => number;
  #since: number | undefined;
  #head = 0;
  #isHeld = false;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Of the wait that is not over; 0 when there is none. */
  get seconds(): number {
    return this.#since === undefined ? 0 : (this.#now() - this.#since) / 1_000;
  }

  see({ waiting, head, waitingFor }: Pick<SettledReader, 'waiting' | 'head' | 'waitingFor'>): void {
    if (this.#since !== undefined && (!waiting || head !== this.#head)) {
      (this.#isHeld ? this.held : this.brief).add(this.seconds);
      this.forget();
    }
    if (!waiting) return;
    this.#since ??= this.#now();
    this.#head = head;
    this.#isHeld ||= waitingFor.length > 0;
  }

  /** Nobody waits any more: how long it would have been shows elsewhere. */
  forget(): void {
    this.#since = undefined;
    this.#isHeld = false;
  }
}
