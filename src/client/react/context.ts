import { createContext, useContext } from 'react';
import type { EventDefinitions, EventMap, EventsOf } from '../../core/define-events.ts';
import type { CommitcastClient } from '../api.ts';

/**
 * Types the events of all hooks at once.
 *
 * @example
 * declare module 'commitcast/react' { interface Register { events: typeof events } }
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- applications add to it
export interface Register {}

export type RegisteredEvents = Register extends { events: infer Definitions extends EventDefinitions }
  ? EventsOf<Definitions>
  : EventMap;

export const Context = createContext<CommitcastClient | undefined>(undefined);

/** The client of the nearest `CommitcastProvider`; `undefined` until it is connected, which is after the first render. */
export function useCommitcast(): CommitcastClient | undefined {
  return useContext(Context);
}
