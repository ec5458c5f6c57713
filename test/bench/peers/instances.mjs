/*
 * An instance of a stock Socket.IO server with one of its adapters. Whoever says `publish` to it has its events emitted
 * to a room, one by one, as an application would; clients of all instances are in that room.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { answer } from './answer.mjs';

const room = 'bench';

let queries = 0;

answer({
  start: async ({ adapter, databaseUrl, redisUrl }) => {
    const http = createServer();
    const io = new Server(http, { transports: ['websocket'] });
    io.adapter(await adapters[adapter]({ databaseUrl, redisUrl }));
    io.on('connection', (socket) => {
      if (!socket.handshake.auth.publishes) void socket.join(room);
      socket.on('publish', (events) => {
        for (const { due, n } of events) io.to(room).emit('events', [eventOf(due, n)]);
      });
    });
    const port = await new Promise((resolve) =>
      http.listen(0, '127.0.0.1', () => resolve(http.address().port)),
    );
    return port;
  },
  /** Transactions since the last look: every statement of the adapter is one of its own. */
  statements: () => {
    const transactions = queries;
    queries = 0;
    return { texts: {}, transactions };
  },
});

const adapters = {
  postgres: async ({ databaseUrl }) => {
    const { default: pg } = await import('pg');
    const { createAdapter } = await import('@socket.io/postgres-adapter');
    const pool = new pg.Pool({ connectionString: databaseUrl });
    pool.on('error', () => {});
    await pool.query(
      `create table if not exists socket_io_attachments
         (id bigserial primary key, created_at timestamptz default now(), payload bytea)`,
    );
    const query = pool.query.bind(pool);
    pool.query = (...values) => {
      queries += 1;
      return query(...values);
    };
    return createAdapter(pool);
  },
  redis: async ({ redisUrl }) => {
    const { createAdapter } = await import('@socket.io/redis-adapter');
    return createAdapter(await redisOf(redisUrl), await redisOf(redisUrl));
  },
  'redis-streams': async ({ redisUrl }) => {
    const { createAdapter } = await import('@socket.io/redis-streams-adapter');
    return createAdapter(await redisOf(redisUrl));
  },
};

async function redisOf(url) {
  const { createClient } = await import('@redis/client');
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** The same members as ours have. */
function eventOf(due, n) {
  const time = new Date().toISOString();
  const fixed = { id: randomUUID(), type: 'bench.ticked', org: 'acme', unit: 'u0' };
  return { position: n + 1, ...fixed, time, data: { due, n } };
}
