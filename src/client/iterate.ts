import type { CommitcastEvent } from '../core/event.ts';
import type { Subscriber } from './subscriber.ts';

/**
 * The events of a subscription as an async iterator. An event counts as handled when the next one is asked for, so what
 * waits is bounded by the client's backlog. Leaving the loop ends the subscription.
 */
export function iterate(subscriber: Subscriber): AsyncIterableIterator<CommitcastEvent, undefined> {
  type Result = IteratorResult<CommitcastEvent, undefined>;
  const over: Result = { done: true, value: undefined };
  /** The event that came before anybody asked. */
  let offered: CommitcastEvent | undefined;
  let taken: (() => void) | undefined;
  let asking: { resolve: (result: Result) => void; reject: (error: unknown) => void } | undefined;

  const answer = (result: Result) => {
    asking?.resolve(result);
    asking = undefined;
  };
  subscriber.handlers.add('*', (event) => {
    if (asking) answer({ done: false, value: event });
    else offered = event;
    return new Promise<void>((resolve) => {
      taken = resolve;
    });
  });
  subscriber.onState((state) => {
    if (state.name === 'ended') answer(over);
    if (state.name === 'failed') asking?.reject(state.error);
    if (state.name === 'failed') asking = undefined;
  });

  const iterator: AsyncIterableIterator<CommitcastEvent, undefined> = {
    next() {
      // Only what was handed out is done by asking for the next.
      if (offered === undefined) {
        taken?.();
        taken = undefined;
      }
      const event = offered;
      offered = undefined;
      if (event) return Promise.resolve({ done: false, value: event });
      const { state } = subscriber;
      if (state.name === 'ended') return Promise.resolve(over);
      if (state.name === 'failed') return Promise.reject(state.error);
      return new Promise<Result>((resolve, reject) => {
        asking = { resolve, reject };
      });
    },
    return() {
      taken?.();
      taken = undefined;
      subscriber.end();
      return Promise.resolve(over);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
