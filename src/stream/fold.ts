import type { CommitcastEvent } from '../core/event.ts';

/** What every event has, decided or committed: what a state may be folded from. */
export interface EventContent {
  readonly type: string;
  readonly data: unknown;
}

/**
 * A left fold: the state after all events, one by one in their order.
 *
 * @param evolve returns the state after one more event. It changes neither the state that it is given, nor anything else
 *
 * @example
 * const total = await fold(readStream(db, { org: 'acme', stream: 'order-9' }), (count) => count + 1, 0);
 */
export async function fold<State, Event>(
  events: Iterable<Event> | AsyncIterable<Event>,
  evolve: (state: State, event: Event) => State,
  initial: State,
): Promise<State>;
/** Of committed events, when the caller knows by a union which types they have. */
// It stands for the cast that each caller would write.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export async function fold<State, Event extends EventContent>(
  events: Iterable<CommitcastEvent> | AsyncIterable<CommitcastEvent>,
  evolve: (state: State, event: Event) => State,
  initial: State,
): Promise<State>;
export async function fold<State, Event>(
  events: Iterable<Event> | AsyncIterable<Event>,
  evolve: (state: State, event: Event) => State,
  initial: State,
): Promise<State> {
  let state = initial;
  for await (const event of events) state = evolve(state, event);
  return state;
}
