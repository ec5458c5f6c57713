import type { Code } from '../core/codes.ts';
import { Tally } from '../core/tally.ts';

/** What was asked for: a connection, something over it, or something over plain HTTP, streams included. */
export type RefusedRequest = 'handshake' | 'request' | 'http';

/** What was refused since the start, by what it was and by the code of the answer. */
export class Refusals {
  readonly #tallies: Record<RefusedRequest, Tally<Code>> = {
    handshake: new Tally(),
    request: new Tally(),
    http: new Tally(),
  };

  add(what: RefusedRequest, code: Code): void {
    this.#tallies[what].add(code);
  }

  *[Symbol.iterator](): Generator<readonly [what: RefusedRequest, code: Code, count: number]> {
    for (const what of ['handshake', 'request', 'http'] as const)
      for (const [code, count] of this.#tallies[what]) yield [what, code, count];
  }
}
