/* A stock Socket.IO server that emits what it is told over a plain WebSocket at another path. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import { answer } from '../../support/answer.ts';

answer({
  start: async () => {
    const server = createServer();
    const io = new Server(server, { transports: ['websocket'] });
    const writers = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    server.on('upgrade', (request, socket, head) => {
      if (request.url !== '/') return;
      writers.handleUpgrade(request, socket, head, (writer) => {
        writer.on('message', (message: Buffer) => {
          io.emit('events', [{ data: JSON.parse(message.toString()) as unknown }]);
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
});
