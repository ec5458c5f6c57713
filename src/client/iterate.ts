import { CodedError } from '../core/coded-error.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { AnyHandler } from './handlers.ts';
import { passing } from './passing.ts';
import type { SubscriptionState } from './subscription-state.ts';

/** What is needed of a subscription. */
interface Source {
  readonly state: SubscriptionState;
  on(type: string, handler: AnyHandler): () => void;
  onState(listener: (state: SubscriptionState) => void): () => void;
  unsubscribe(): void;
}

/**
 * The events of a subscription as an async iterator. An event counts as handled when the next one is asked for, so what
 * waits is bounded by the client's backlog. Leaving the loop ends the subscription; when it fails, the loop throws.
 */
export async function* iterate(
  subscriber: Source,
  closed: AbortSignal,
): AsyncGenerator<CommitcastEvent, void> {
  let offered: CommitcastEvent | undefined;
  let taken: (() => void) | undefined;
  let wake: (() => void) | undefined;
  subscriber.on('*', (event) => {
    offered = event;
    wake?.();
    return new Promise<void>((resolve) => {
      taken = resolve;
    });
  });
  const release = () => taken?.();
  subscriber.onState(({ name }) => {
    if (name === 'ended') release();
    wake?.();
  });
  // Who closes the client in the loop, and waits for it, waits for the event in hand: this one.
  closed.addEventListener('abort', release);
  try {
    for (;;) {
      const { state } = subscriber;
      const event: CommitcastEvent | undefined = offered;
      offered = undefined;
      if (event) {
        yield event;
        taken?.();
      } else if (state.name === 'ended') return;
      else if (state.name === 'failed') throw state.error;
      else if (state.name === 'denied' && !passing.has(state.code))
        throw new CodedError(state.code, 'Not allowed');
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    closed.removeEventListener('abort', release);
    release();
    subscriber.unsubscribe();
  }
}
