/* A server of `ws` and nothing else: each event is framed once, and the same bytes are written to every socket. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { answer } from '../support/answer.ts';
import { pulse, type Pulse } from './pulse.ts';

const sockets = new Set<Socket>();

answer({
  start: async () => {
    const http = createServer();
    const server = new WebSocketServer({ server: http, perMessageDeflate: false, clientTracking: false });
    server.on('connection', (webSocket, { socket }) => {
      sockets.add(socket);
      webSocket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return (http.address() as AddressInfo).port;
  },
  pulse: (given: Pulse) =>
    pulse(given, (events) => {
      for (const event of events) {
        const frame = frameOf(JSON.stringify(event));
        for (const socket of sockets) socket.write(frame);
      }
    }),
  heap: () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
});

/** As servers send it: text, whole, unmasked. */
function frameOf(text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10, 0x81);
  header[1] = header.length === 2 ? body.length : header.length === 4 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(body.length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([header, body]);
}
