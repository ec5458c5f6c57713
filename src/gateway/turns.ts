import { RateLimitedError } from '../core/rate-limited-error.ts';
import type { Session } from './session.ts';

/** As many as a session may have subscriptions, twice. */
const maxPending = 2_000;
const retryMs = 1_000;

/**
 * Requests of one session about one thing are served one after the other, in the order in which they came, whatever each
 * waits for. All others are served side by side.
 */
export class Turns {
  /** Requests of a session that wait, or are served. */
  readonly #pending = new WeakMap<Session, number>();
  readonly #last = new WeakMap<Session, Map<string, Promise<unknown>>>();

  async take<Result>(session: Session, thing: string, serve: () => Promise<Result>): Promise<Result> {
    const pending = this.#pending.get(session) ?? 0;
    if (pending >= maxPending) throw new RateLimitedError(retryMs);
    this.#pending.set(session, pending + 1);
    const lasts = this.#last.get(session) ?? new Map<string, Promise<unknown>>();
    this.#last.set(session, lasts);
    const before = lasts.get(thing);
    const served = before ? before.then(serve, serve) : serve();
    lasts.set(thing, served);
    try {
      return await served;
    } finally {
      this.#pending.set(session, (this.#pending.get(session) ?? 1) - 1);
      if (lasts.get(thing) === served) lasts.delete(thing);
      if (lasts.size === 0) this.#last.delete(session);
    }
  }
}
