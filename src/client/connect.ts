import type { EventDefinitions, EventMap, EventsOf, Schemas } from '../core/define-events.ts';
import type { CommitcastClient, ConnectOptions } from './api.ts';
import { Client } from './client.ts';

/**
 * Connects to a Commitcast server, and stays connected: what is committed reaches the handlers in commit order, none
 * missed, none twice, over lost connections, restarts, sleeping laptops and tokens that expire.
 *
 * @example
 * const client = connect({ token: () => fetch('/token').then((answer) => answer.text()) });
 * client.subscribe({ unit: 'truck-7' }).on('door.opened', ({ data, time }) => show(data, time));
 */
export function connect<Of extends Schemas>(
  options: ConnectOptions & { events: EventDefinitions<Of> },
): CommitcastClient<EventsOf<EventDefinitions<Of>>>;
export function connect<Map extends EventMap = EventMap>(options: ConnectOptions): CommitcastClient<Map>;
export function connect(options: ConnectOptions): CommitcastClient {
  return new Client(options);
}
