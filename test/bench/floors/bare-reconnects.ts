/*
 * The floor of storms: Socket.IO with nothing that costs and a token that is verified, as by jose's documentation. Nobody
 * gets anything.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import { Server } from 'socket.io';
import { answer } from '../support/answer.ts';

answer({
  start: ({ secret }: { secret: string }) => {
    const key = new TextEncoder().encode(secret);
    const http = createServer();
    const io = new Server(http, { transports: ['websocket'], serveClient: false, perMessageDeflate: false });
    io.use((socket, next) => {
      jwtVerify(String(socket.handshake.auth['token']), key, { algorithms: ['HS256'] }).then(
        ({ payload }) => {
          (socket.data as Record<string, unknown>)['userId'] = payload.sub;
          next();
        },
        next,
      );
    });
    io.on('connection', (socket) => {
      void socket.join(String(socket.handshake.auth['unit']));
    });
    return new Promise<number>((resolve) => {
      http.listen(0, '127.0.0.1', () => resolve((http.address() as AddressInfo).port));
    });
  },
});
