/* What the peers have in common: a stock Socket.IO server beside them that emits what they hand on. */
import { createServer } from 'node:http';
import { Server } from 'socket.io';

/** @returns the port, and `emit(data)`: one message with one event, as it would reach a browser */
export async function startEmitter() {
  const server = createServer();
  const io = new Server(server, { transports: ['websocket'] });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { port: server.address().port, emit: (data) => io.emit('events', [{ data }]) };
}
