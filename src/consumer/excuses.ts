import { isPassing, isToBlame } from './blame.ts';
import type { PageProgress } from './handle-page.ts';

/** What passes is excused so often at one place; then it is taken for what it seems to be: something that lasts. */
const maxTimes = 10;

/** Decides whether a failure counts against the events in hand. */
export class Excuses {
  readonly #idleTimeoutMs: number;
  #last = { position: -1, times: 0 };

  constructor(idleTimeoutMs: number) {
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  blames(error: unknown, position: number, { stage, began }: PageProgress): boolean {
    if (isToBlame(error, stage, performance.now() - began >= this.#idleTimeoutMs)) return true;
    if (stage === 'before' || !isPassing(error)) return false;
    const times = this.#last.position === position ? this.#last.times + 1 : 1;
    this.#last = { position, times };
    return times > maxTimes;
  }
}
