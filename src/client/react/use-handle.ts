import { useCallback, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { subscriptionKey, type Subscription } from '../../core/subscription.ts';
import type { CommitcastClient, SubscriptionHandle } from '../api.ts';
import type { SubscriptionState } from '../subscription-state.ts';
import { Context } from './context.ts';

/** What a hook has made of a scope: a subscription, and what goes with it. */
export interface Subscribing {
  readonly handle: SubscriptionHandle;
}

export interface Held<Made extends Subscribing> {
  /** `undefined` until the component is mounted and the client connected, and from the render in which either, or the scope, changes. */
  readonly made: Made | undefined;
  readonly state: SubscriptionState;
  readonly retry: () => void;
}

const waiting: SubscriptionState = { name: 'waiting' };

/**
 * Subscribes while the component is mounted, and anew when the scope or the client is another one. `null`: not at all.
 * `begin` subscribes and attaches the handlers, in one tick; it is not asked again when only it changes.
 */
export function useHandle<Made extends Subscribing>(
  scope: Subscription | null,
  begin: (client: CommitcastClient, scope: Subscription) => Made,
): Held<Made> {
  const client = useContext(Context);
  const key = scope && subscriptionKey(scope);
  const [held, setHeld] = useState<{ made: Made; client: CommitcastClient; key: string | null }>();
  useEffect(() => {
    if (!client || !scope) return undefined;
    const made = begin(client, scope);
    setHeld({ made, client, key });
    return () => made.handle.unsubscribe();
    // Scopes are made anew in each render, and are the same scope when their key is.
  }, [client, key]);
  const made = held?.client === client && held?.key === key ? held.made : undefined;
  const handle = made?.handle;
  const state = useSyncExternalStore(
    useCallback((changed) => handle?.onState(changed) ?? (() => undefined), [handle]),
    () => handle?.state ?? waiting,
    () => waiting,
  );
  return { made, state, retry: useCallback(() => handle?.retry(), [handle]) };
}
