import type { Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Server } from 'socket.io';
import { sleep } from '../core/sleep.ts';

/** What is needed of Engine.IO's sockets, of which the types tell nothing. */
interface EngineClient {
  once(event: 'close', listener: () => void): unknown;
  /** Long polling that was told to close keeps, for the next poll, how it closes then. */
  transport: { shouldClose?: (() => void) | null };
}

/** A client that has been told to go has so long to close its side. */
const graceMs = 1_000;

/**
 * HTTP servers forget a connection once it is upgraded, but wait for it when they close. Returns what ends all of them:
 * those that do not close their side in time are cut.
 */
export function endConnections(server: HttpServer, io: Server): () => Promise<void> {
  const upgraded = new Set<Duplex>();
  // One for all of them: a closure each would be a part of what an idle session costs.
  function forget(this: Duplex) {
    upgraded.delete(this);
  }
  server.on('upgrade', (_request, socket: Duplex) => {
    upgraded.add(socket);
    socket.on('close', forget);
  });
  return async () => {
    const gone = new AbortController();
    const { clients } = io.engine as unknown as { clients: Record<string, EngineClient> };
    const open: Pick<EngineClient, 'once'>[] = [...upgraded, ...Object.values(clients)];
    const closed = Promise.all(
      open.map((each) => new Promise<void>((resolve) => each.once('close', () => resolve()))),
    );
    void closed.then(() => {
      gone.abort();
    });
    await sleep(open.length > 0 ? graceMs : 0, gone.signal);
    io.engine.close();
    // A poll that never comes would be waited for half a minute, and so long the process could not end.
    for (const { transport } of Object.values(clients)) transport.shouldClose?.();
    for (const socket of upgraded) socket.destroy();
    server.closeAllConnections();
  };
}
