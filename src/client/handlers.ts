import type { CommitcastEvent } from '../core/event.ts';
import { maxTries, tryAgain, type RetryOptions, type Tried } from './retry.ts';

export type AnyHandler = (event: CommitcastEvent) => unknown;

interface Entry {
  readonly type: string;
  readonly handler: AnyHandler;
}

export interface HandOptions extends RetryOptions {
  /** What the handlers get instead. When it throws, it would the next time, too. */
  parse: (event: CommitcastEvent) => CommitcastEvent;
  /** Asked before each handler: nobody wants the event any more. */
  wanted: () => boolean;
}

/** `true`: all handlers have done their work. */
export type Handed = true | Tried<void> | undefined;

/** The handlers of a subscription, in the order in which they were attached. */
export class Handlers {
  readonly #entries = new Set<Entry>();

  /** Returns how to take it off. */
  add(type: string, handler: AnyHandler): () => void {
    const entry = { type, handler };
    this.#entries.add(entry);
    return () => {
      this.#entries.delete(entry);
    };
  }

  /**
   * Gives an event to each of its handlers, one after the other; one that returns a promise is waited for, one that
   * throws is tried again. A handler that has done its work is not asked twice because another one throws.
   */
  hand(event: CommitcastEvent, { parse, wanted, ...options }: HandOptions): Handed | Promise<Handed> {
    let parsed: CommitcastEvent;
    try {
      parsed = parse(event);
    } catch (error) {
      options.onError(error, maxTries);
      return { error };
    }
    const go = this.#attempt(parsed, wanted);
    const again = (error: unknown) => tryAgain(go, error, options);
    try {
      return go()?.then(() => true as const, again) ?? true;
    } catch (error) {
      return again(error);
    }
  }

  /** What it returns goes on where it stopped when it is called again. */
  #attempt(event: CommitcastEvent, wanted: () => boolean): () => Promise<void> | undefined {
    const entries = [...this.#entries].filter(({ type }) => type === '*' || type === event.type);
    let next = 0;
    const go = (): Promise<void> | undefined => {
      for (; next < entries.length && wanted(); next++) {
        const entry = entries[next];
        if (!entry || !this.#entries.has(entry)) continue;
        const result = entry.handler(event);
        if (!isThenable(result)) continue;
        return Promise.resolve(result).then(() => {
          next += 1;
          return go();
        });
      }
      return undefined;
    };
    return go;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
