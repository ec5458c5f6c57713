import type { CommitcastEvent } from './event.ts';

/** What stands for the `data` of an event that was erased. */
export interface Tombstone {
  /** Id of the control event that erased it, and of the row in `commitcast.erasure`. */
  $erased: string;
}

/**
 * Whether the data of this event was erased: only position, id, type, scope, stream, version and time are left of it.
 * Whoever folds events, or handles them in a consumer, asks before it looks into `data`. It goes by the form of `data`:
 * an application that appends `{ "$erased": "…" }` itself is taken at its word.
 *
 * @example
 * socket.on('events', (events) => {
 *   for (const event of events) if (!isErased(event)) show(event);
 * });
 */
export function isErased(event: Pick<CommitcastEvent, 'data'>): event is CommitcastEvent<Tombstone> {
  const { data } = event;
  return (
    typeof data === 'object' &&
    data !== null &&
    Object.keys(data).length === 1 &&
    typeof (data as Partial<Tombstone>).$erased === 'string'
  );
}
