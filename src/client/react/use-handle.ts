import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { subscriptionKey, type Subscription } from '../../core/subscription.ts';
import type { CommitcastClient, SubscriptionHandle } from '../api.ts';
import type { SubscriptionState } from '../subscription-state.ts';
import { useCommitcast } from './context.ts';

const waiting: SubscriptionState = { name: 'waiting' };

/**
 * Subscribes while the component is mounted, and anew when the scope or the client is another one. `null`: not at all.
 * `begin` subscribes and attaches the handlers, in one tick; it is not asked again when only it changes.
 */
export function useHandle(
  scope: Subscription | null,
  begin: (client: CommitcastClient, scope: Subscription) => SubscriptionHandle,
): { state: SubscriptionState; retry: () => void } {
  const client = useCommitcast();
  const key = scope && subscriptionKey(scope);
  const [handle, setHandle] = useState<SubscriptionHandle>();
  useEffect(() => {
    if (!client || !scope) return undefined;
    const made = begin(client, scope);
    setHandle(made);
    return () => {
      made.unsubscribe();
      setHandle(undefined);
    };
  }, [client, key]);
  const state = useSyncExternalStore(
    useCallback((changed) => handle?.onState(changed) ?? (() => undefined), [handle]),
    () => handle?.state ?? waiting,
    () => waiting,
  );
  return { state, retry: useCallback(() => handle?.retry(), [handle]) };
}
