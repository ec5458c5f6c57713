import { useEffect, useRef, useState } from 'react';
import type { SubscriptionState } from '../../client/index.ts';
import { useCommitcast, useConnection, useSubscription } from '../../client/react/index.ts';
import { wholeOrg } from '../scope.ts';
import type { Org } from '../session.ts';
import { askModel } from './ask-model.ts';
import { loadUnits } from './load-units.ts';
import { cursorOf, readSaved, save } from './saved-units.ts';
import { receive, type UnitsState } from './units-state.ts';

export interface Units {
  /** What is known; until the read model is loaded, what this tab has shown before. */
  readonly state: UnitsState | undefined;
  readonly status: SubscriptionState['name'];
  readonly error: unknown;
  readonly retry: () => void;
}

/** The read model of the org's units, followed from its cursor on. */
export function useUnits(org: Org): Units {
  const client = useCommitcast();
  const { name: connection } = useConnection();
  const [before] = useState(() => readSaved(sessionStorage, org.id));
  const { state, status, error, retry } = useSubscription(wholeOrg, receive, ({ reason, signal }) =>
    loadUnits({
      ask: (after) => askModel(org, after, signal),
      after: client?.cursor,
      // After a reset there is nothing to go on from.
      saved: reason === 'start' ? readSaved(sessionStorage, org.id) : undefined,
      signal,
    }),
  );

  const keep = useRef(() => {});
  useEffect(() => {
    keep.current = () => {
      if (!state || status !== 'active') return;
      const cursor = cursorOf(state, client?.cursor, connection === 'live');
      save(sessionStorage, org.id, { cursor, state });
    };
  });
  useEffect(() => {
    const onLeave = () => keep.current();
    addEventListener('pagehide', onLeave);
    return () => {
      removeEventListener('pagehide', onLeave);
      onLeave();
    };
  }, []);

  return { state: state ?? before?.state, status, error, retry };
}
