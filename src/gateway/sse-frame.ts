import type { MessageValues, ToldName } from './outlet.ts';
import { serverSent } from './server-sent.ts';

/**
 * A message of the wire as a server-sent event. One that has a cursor carries it as `id`: so an `EventSource` that
 * connects again by itself names, as `Last-Event-ID`, exactly where it stands.
 */
export function frameOf<Name extends ToldName>(name: Name, ...values: MessageValues<Name>): Buffer {
  const [message] = values as [{ cursor?: string }];
  return serverSent(name, JSON.stringify(message), message.cursor);
}

/** How long an `EventSource` waits before it connects again; each another time, so that not all come at once. */
export function retryFrame(minMs: number): Buffer {
  return Buffer.from(`retry: ${Math.round(minMs * (1 + 2 * Math.random()))}\n\n`);
}

/** A comment: clients ignore it, and proxies see that the connection is in use. */
export const keepAliveFrame = Buffer.from(':\n\n');
