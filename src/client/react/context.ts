import { createContext, useContext } from 'react';
import type { CommitcastClient } from '../api.ts';
import type { RegisteredEvents } from './register.ts';

// Where nothing is registered it is the default, and the assertion does nothing.
// oxlint-disable-next-line typescript/no-unnecessary-type-arguments
type Client = CommitcastClient<RegisteredEvents>;

export const Context = createContext<CommitcastClient | undefined>(undefined);

/** The client of the nearest `CommitcastProvider`; `undefined` until it is connected, which is after the first render. */
export function useCommitcast(): Client | undefined {
  // As above: needed where something is registered.
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion
  return useContext(Context) as Client | undefined;
}
