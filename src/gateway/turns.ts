import type { Session } from './session.ts';

/**
 * Requests of one session about one thing are served one after the other, in the order in which they came, whatever each
 * waits for. All others are served side by side.
 */
export class Turns {
  readonly #last = new WeakMap<Session, Map<string, Promise<unknown>>>();

  async take<Result>(session: Session, thing: string, serve: () => Promise<Result>): Promise<Result> {
    const lasts = this.#last.get(session) ?? new Map<string, Promise<unknown>>();
    this.#last.set(session, lasts);
    const before = lasts.get(thing);
    const served = before ? before.then(serve, serve) : serve();
    lasts.set(thing, served);
    try {
      return await served;
    } finally {
      if (lasts.get(thing) === served) lasts.delete(thing);
      if (lasts.size === 0) this.#last.delete(session);
    }
  }
}
