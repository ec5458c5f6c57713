import { Distribution } from '../core/distribution.ts';
import type { Batch } from './batches.ts';
import { DeliveryTimes } from './delivery-times.ts';

/** What a gateway has delivered live since it was made, for those who operate. */
export class DeliveryCounts {
  /** Events that were dispatched at once, to the same rooms; their sum is that of all events. */
  readonly batches = new Distribution([1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000]);
  readonly times = new DeliveryTimes();
  #messages = 0;

  /** Messages to connections; what several events share is one. */
  get messages(): number {
    return this.#messages;
  }

  /** To so many sessions of this instance. */
  dispatched({ events }: Pick<Batch, 'events'>, sessions: number): void {
    const [first] = events;
    if (!first) return;
    this.batches.add(events.length);
    this.times.dispatched(first.position, sessions > 0);
  }

  /** All that was dispatched has gone out, in so many messages; none: who was to get it had left. */
  written(messages: number): void {
    this.#messages += messages;
    this.times.written(messages > 0);
  }
}
