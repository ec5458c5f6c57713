import { useEffect, useRef } from 'react';
import type { EventMap, EventOf } from '../../core/define-events.ts';
import type { CommitcastEvent } from '../../core/event.ts';
import type { Subscription } from '../../core/subscription.ts';
import type { SubscriptionState } from '../subscription-state.ts';
import type { RegisteredEvents } from './register.ts';
import { useHandle } from './use-handle.ts';

/** As a method's: for events of any type, `Type` is `string` to the checker where the name of the key is known to it. */
type EventHandler<Map extends EventMap, Type extends keyof Map> = {
  handle(event: EventOf<Map, Type>): unknown;
}['handle'];

/** One handler for all events, or one for each type that is wanted. */
export type EventHandlers<Map extends EventMap> =
  ((event: EventOf<Map>) => unknown) | { readonly [Type in keyof Map & string]?: EventHandler<Map, Type> };

/**
 * Calls a handler with each event of a scope while the component is mounted, as `on` of a subscription does: in order,
 * exactly once, waiting for what it returns. The latest handler is used. A scope of `null`: none.
 *
 * @example
 * useEvents({ unit }, { 'door.opened': ({ data }) => toast(`opened by ${data.by}`) });
 */
// `Map` is given, or registered, and never made of the names that the handlers happen to have.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function useEvents<Map extends EventMap = RegisteredEvents>(
  scope: Subscription | null,
  handlers: EventHandlers<NoInfer<Map>>,
): { state: SubscriptionState; retry: () => void } {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  const { state, retry } = useHandle(scope, (client, wanted) => {
    const handle = client.subscribe(wanted);
    handle.on('*', (event: CommitcastEvent) => {
      const { current } = latest;
      const handler = typeof current === 'function' ? current : handlerOf(current, event.type);
      return (handler as ((event: CommitcastEvent) => unknown) | undefined)?.(event);
    });
    return { handle };
  });
  return { state, retry };
}

function handlerOf(handlers: object, type: string): unknown {
  return Object.hasOwn(handlers, type) ? handlers[type as keyof typeof handlers] : undefined;
}
