import type { CommitcastEvent } from '../core/event.ts';
import type { Subscriber } from './subscriber.ts';

/**
 * The events of a subscription as an async iterator. An event counts as handled when the next one is asked for, so what
 * waits is bounded by the client's backlog. Leaving the loop ends the subscription; when it fails, the loop throws.
 */
export async function* iterate(subscriber: Subscriber): AsyncGenerator<CommitcastEvent, void> {
  let offered: CommitcastEvent | undefined;
  let taken: (() => void) | undefined;
  let wake = () => {};
  subscriber.handlers.add('*', (event) => {
    offered = event;
    wake();
    return new Promise<void>((resolve) => {
      taken = resolve;
    });
  });
  subscriber.onState(() => wake());
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
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    taken?.();
    subscriber.end();
  }
}
