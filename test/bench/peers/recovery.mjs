/*
 * Socket.IO's connection state recovery: in memory, as its documentation shows it, or through the adapter of Redis
 * streams. It skips the middleware of a session that comes back: so there is no token here, which only helps it.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { answer } from './answer.mjs';

/** Emits between two waits for the adapter. */
const chunk = 1_000;

let io;
let redis;

answer({
  start: async ({ redisUrl, maxLen }) => {
    const options = { connectionStateRecovery: {}, transports: ['websocket'] };
    if (redisUrl !== undefined) {
      const { createClient } = await import('@redis/client');
      const { createAdapter } = await import('@socket.io/redis-streams-adapter');
      redis = createClient({ url: redisUrl });
      await redis.connect();
      // Its default keeps 10,000 messages: fewer than are missed here.
      options.adapter = createAdapter(redis, { maxLen });
    }
    const http = createServer();
    io = new Server(http, options);
    io.on('connection', (socket) => {
      if (!socket.recovered) void socket.join(socket.handshake.auth.unit);
    });
    return new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(http.address().port)));
  },
  /** Events for each of the units in turn, numbered from 0 in each; `noise`: so many of others after each. */
  emit: async ({ units, count, noise = 0, others = 1, textLength = 0 }) => {
    const text = 'x'.repeat(textLength);
    const time = new Date().toISOString();
    let emitted = 0;
    const emit = async (unit, n) => {
      emitted += 1;
      const position = 100_000 + emitted;
      const type = 'bench.ticked';
      io.to(unit).emit('event', {
        position,
        id: randomUUID(),
        type,
        org: 'acme',
        unit,
        time,
        data: { n, text },
      });
      if (emitted % chunk === 0) await taken();
    };
    for (let n = 0; n < count; n += 1) {
      for (const unit of units) {
        await emit(unit, n);
        for (let k = 0; k < noise; k += 1) await emit(`other-${(n * noise + k) % others}`, n);
      }
    }
    await taken();
  },
  /** Returns when every session that has gone is kept. */
  idle: async () => {
    while (io.engine.clientsCount > 0 || io.sockets.sockets.size > 0)
      await new Promise((resolve) => setTimeout(resolve, 2));
    await taken();
  },
});

/** Commands of one connection are answered in their order: all before this one have been taken. */
async function taken() {
  await new Promise((resolve) => setImmediate(resolve));
  await redis?.ping();
}
