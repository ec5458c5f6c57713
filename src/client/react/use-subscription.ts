import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react';
import type { EventMap, EventOf } from '../../core/define-events.ts';
import type { CommitcastEvent } from '../../core/event.ts';
import type { Subscription } from '../../core/subscription.ts';
import type { LoadReason, SubscriptionState } from '../subscription-state.ts';
import type { RegisteredEvents } from './register.ts';
import { Fold } from './fold.ts';
import { useHandle } from './use-handle.ts';

export type Reducer<State, Map extends EventMap> = (state: State, event: EventOf<Map>) => State;

/** Loads a state, and the cursor that it stands for: at the start, and when the server does not have what was missed. */
export type Snapshot<State> = (context: {
  readonly reason: LoadReason;
  readonly signal: AbortSignal;
}) => Promise<{ readonly state: State; readonly cursor: string }>;

export interface Subscribed<State> {
  /** With all events up to now; `undefined` until a snapshot is loaded. */
  readonly state: State;
  /** `active`: the state is complete, and live as long as the connection is. See `SubscriptionState`. */
  readonly status: SubscriptionState['name'];
  /** Why it has failed. */
  readonly error: unknown;
  /** After `failed` or `denied`. */
  readonly retry: () => void;
}

/**
 * State that is made of events: the snapshot, then each event of the scope by the reducer, in order, exactly once, over
 * reconnects and resets. The component is rendered once for a batch. The latest reducer is used, and must not change the
 * state that it is given. A state instead of a function begins with what comes from now on.
 *
 * @example
 * const { state: orders } = useSubscription({ site: 'harbour' }, applyOrder, () =>
 *   fetch('/orders').then((answer) => answer.json()),
 * );
 */
export function useSubscription<State, Map extends EventMap = RegisteredEvents>(
  scope: Subscription | null,
  reducer: Reducer<State, Map>,
  snapshot: Snapshot<State>,
): Subscribed<State | undefined>;
export function useSubscription<State, Map extends EventMap = RegisteredEvents>(
  scope: Subscription | null,
  reducer: Reducer<State, Map>,
  initial: State,
): Subscribed<State>;
export function useSubscription<State>(
  scope: Subscription | null,
  reducer: (state: State, event: never) => State,
  snapshot: State | Snapshot<State>,
): Subscribed<State | undefined> {
  const latest = useRef({ reducer, snapshot });
  useEffect(() => {
    latest.current = { reducer, snapshot };
  });
  const { made, state, retry } = useHandle(scope, (client, wanted) => {
    const begin = latest.current.snapshot;
    const fold = new Fold(initialOf(begin));
    const load = async (context: Parameters<Snapshot<State>>[0]) => {
      const current = latest.current.snapshot;
      if (!isSnapshot(current)) {
        fold.set(current);
        return undefined;
      }
      const loaded = await current(context);
      if (!context.signal.aborted) fold.set(loaded.state);
      return loaded.cursor;
    };
    const handle = client.subscribe(wanted, isSnapshot(begin) ? { load } : {});
    handle.onReset(load);
    handle.on('*', (event: CommitcastEvent) => {
      fold.set(latest.current.reducer(fold.get() as State, event as never));
    });
    return { handle, fold };
  });
  const fold = made?.fold;
  const initial = initialOf(snapshot);
  const folded = useSyncExternalStore(
    useCallback((changed) => fold?.subscribe(changed) ?? (() => undefined), [fold]),
    () => (fold ? fold.get() : initial),
    () => initial,
  );
  return { state: folded, status: state.name, error: 'error' in state ? state.error : undefined, retry };
}

function isSnapshot<State>(value: State | Snapshot<State>): value is Snapshot<State> {
  return typeof value === 'function';
}

function initialOf<State>(snapshot: State | Snapshot<State>): State | undefined {
  return isSnapshot(snapshot) ? undefined : snapshot;
}
