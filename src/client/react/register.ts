import type { EventDefinitions, EventMap, EventsOf } from '../../core/define-events.ts';

/**
 * Types the events of all hooks at once.
 *
 * @example
 * declare module 'commitcast/react' {
 *   interface Register { events: typeof events }
 * }
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- applications add to it
export interface Register {}

export type RegisteredEvents = Register extends { events: infer Definitions extends EventDefinitions }
  ? EventsOf<Definitions>
  : EventMap;
