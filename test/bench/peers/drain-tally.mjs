/* The same account as ../support/tally.ts. */

/** Events are numbered from 1 on, and should come once each, in rising order. */
export class Tally {
  #seen;
  #distinct = 0;
  #last = 0;
  #doubled = 0;
  #disordered = 0;
  #lastAt;
  #beganAt;
  #resolve = () => undefined;

  constructor(events) {
    this.#seen = new Uint8Array(events + 1).fill(1, 0, 1);
  }

  begin() {
    this.#beganAt = performance.now();
  }

  take(n) {
    if (this.#seen[n] === 0) {
      this.#seen[n] = 1;
      this.#distinct += 1;
    } else {
      this.#doubled += 1;
    }
    if (n < this.#last) this.#disordered += 1;
    this.#last = n;
  }

  /** A page, or a job, is done with. */
  done() {
    this.#lastAt = performance.now();
    if (this.#distinct === this.#seen.length - 1) this.#resolve();
  }

  /** Resolves when each has come; fails when they have not in five minutes. */
  all() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`drained ${this.#distinct} in five minutes`)), 300_000);
      this.#resolve = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get result() {
    return {
      seconds: (this.#lastAt - this.#beganAt) / 1_000,
      missed: this.#seen.length - 1 - this.#distinct,
      doubled: this.#doubled,
      disordered: this.#disordered,
    };
  }
}

/** The data of an event, as in our own log. */
export function dataOf(n) {
  return { n, org: 'acme', unit: `u${n % 100}`, celsius: n % 40, humidity: n % 100, door: 'shut' };
}

/** The numbers of the backlog in chunks. */
export function* chunks(events, size = 1_000) {
  for (let first = 1; first <= events; first += size) {
    yield Array.from({ length: Math.min(size, events - first + 1) }, (_, index) => first + index);
  }
}
