import type { Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Server } from 'socket.io';
import { sleep } from '../core/sleep.ts';

/** A client that has been told to go has so long to close its side. */
const graceMs = 1_000;

/**
 * HTTP servers forget a connection once it is upgraded, but wait for it when they close. Returns what ends all of them:
 * those that do not close their side in time are cut.
 */
export function endConnections(server: HttpServer, io: Server): () => Promise<void> {
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (_request, socket: Duplex) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
  });
  return async () => {
    const gone = new AbortController();
    const closed = Promise.all(
      [...upgraded].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
    void closed.then(() => {
      gone.abort();
    });
    await sleep(upgraded.size > 0 ? graceMs : 0, gone.signal);
    io.engine.close();
    for (const socket of upgraded) socket.destroy();
    server.closeAllConnections();
  };
}
