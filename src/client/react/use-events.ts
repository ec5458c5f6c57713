import { useEffect, useRef } from 'react';
import type { EventMap, EventOf } from '../../core/define-events.ts';
import type { CommitcastEvent } from '../../core/event.ts';
import type { Subscription } from '../../core/subscription.ts';
import type { SubscriptionState } from '../subscription-state.ts';
import type { RegisteredEvents } from './context.ts';
import { useHandle } from './use-handle.ts';

/** One handler for all events, or one for each type that is wanted. */
export type EventHandlers<Map extends EventMap> =
  | ((event: EventOf<Map>) => unknown)
  | { readonly [Type in keyof Map & string]?: (event: EventOf<Map, Type>) => unknown };

/**
 * Calls a handler with each event of a scope while the component is mounted, as `on` of a subscription does: in order,
 * exactly once, waiting for what it returns. The latest handler is used. A scope of `null`: none.
 *
 * @example
 * useEvents({ unit }, { 'door.opened': ({ data }) => toast(`opened by ${data.by}`) });
 */
export function useEvents<Map extends EventMap = RegisteredEvents>(
  scope: Subscription | null,
  handlers: EventHandlers<Map>,
): { state: SubscriptionState; retry: () => void } {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  return useHandle(scope, (client, wanted) => {
    const handle = client.subscribe(wanted);
    handle.on('*', (event: CommitcastEvent) => {
      const { current } = latest;
      const handler = typeof current === 'function' ? current : handlerOf(current, event.type);
      return (handler as ((event: CommitcastEvent) => unknown) | undefined)?.(event);
    });
    return handle;
  });
}

function handlerOf(handlers: object, type: string): unknown {
  return Object.hasOwn(handlers, type) ? handlers[type as keyof typeof handlers] : undefined;
}
