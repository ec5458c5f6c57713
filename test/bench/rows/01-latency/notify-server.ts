/* The least that could work: the payload of each notification, as one frame to every client. Nothing is kept. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Client } from 'pg';
import { WebSocketServer } from 'ws';
import { answer } from '../../support/answer.ts';

answer({
  start: async (databaseUrl: string) => {
    const sockets = new Set<Duplex>();
    const server = createServer();
    const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    server.on('upgrade', (request, socket, head) => {
      wss.handleUpgrade(request, socket, head, () => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      });
    });
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    client.on('notification', ({ payload = '' }) => {
      const frame = textFrame(`[{"data":${payload}}]`);
      for (const socket of sockets) socket.write(frame);
    });
    await client.query('listen bench');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
});

/** An unmasked WebSocket frame, made once for all clients. */
function textFrame(text: string): Buffer {
  const body = Buffer.from(text);
  if (body.length > 65_535) throw new Error('a notification is shorter');
  const header =
    body.length < 126
      ? Buffer.from([0x81, body.length])
      : Buffer.from([0x81, 126, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([header, body]);
}
