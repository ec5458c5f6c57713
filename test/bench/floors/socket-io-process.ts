/*
 * A server of Socket.IO alone. `stock`: as it comes, on Node's HTTP server. `tuned`: with what its documentation says
 * of memory: the request of the handshake is let go of, and nothing is served beside the sockets.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { answer } from '../support/answer.ts';
import { pulse, type Pulse } from './pulse.ts';
import type { SocketIoFloor } from './floors.ts';

let io: Server;

answer({
  start: async ({ tuned }: SocketIoFloor) => {
    const http = createServer();
    io = new Server(http, tuned ? { serveClient: false, perMessageDeflate: false } : {});
    if (tuned)
      io.engine.on('connection', (rawSocket: { request: unknown }) => {
        rawSocket.request = null;
      });
    io.on('connection', (socket) => {
      const { unit } = socket.handshake.auth as { unit?: string };
      void socket.join(['org:acme', ...(unit === undefined ? [] : [`org:acme:unit:${unit}`])]);
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return (http.address() as AddressInfo).port;
  },
  pulse: (given: Pulse) =>
    pulse(given, (events) => {
      for (const event of events) io.to('org:acme').emit('event', event);
    }),
  heap: () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
});
