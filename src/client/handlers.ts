import type { CommitcastEvent } from '../core/event.ts';
import { delayBefore, maxTries } from './retry.ts';

export type AnyHandler = (event: CommitcastEvent) => unknown;

interface Entry {
  readonly type: string;
  readonly handler: AnyHandler;
}

export interface HandOptions {
  /** What the handlers get instead. When it throws, it would the next time, too. */
  parse: (event: CommitcastEvent) => CommitcastEvent;
  /** Asked before each handler: nobody wants the event any more. */
  wanted: () => boolean;
  signal: AbortSignal;
  onError: (error: unknown, tries?: number) => void;
}

/** `done`: all handlers have done their work. `dropped`: nobody wants it any more. Else why not, after the last try. */
export type Handed = 'done' | 'dropped' | { readonly error: unknown };

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

  clear(): void {
    this.#entries.clear();
  }

  /**
   * Gives an event to each of its handlers, one after the other; one that returns a promise is waited for, one that
   * throws is tried again. A handler that has done its work is not asked twice because another one throws.
   */
  hand(event: CommitcastEvent, options: HandOptions): Handed | Promise<Handed> {
    let go: () => Promise<void> | undefined;
    try {
      go = this.#attempt(options.parse(event), options.wanted);
    } catch (error) {
      options.onError(error);
      return { error };
    }
    try {
      const waiting = go();
      if (!waiting) return 'done';
      return waiting.then(
        () => 'done' as const,
        (error: unknown) => again(go, error, options),
      );
    } catch (error) {
      return again(go, error, options);
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

async function again(
  go: () => Promise<void> | undefined,
  error: unknown,
  { wanted, signal, onError }: HandOptions,
): Promise<Handed> {
  for (let tries = 1; ; tries++) {
    onError(error, tries);
    if (tries === maxTries) return { error };
    await delayBefore(tries, signal);
    if (signal.aborted || !wanted()) return 'dropped';
    try {
      await go();
      return 'done';
    } catch (thrown) {
      error = thrown;
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
