import { createServer } from 'node:http';
import { append } from 'commitcast';
import { attach } from 'commitcast/attach';
import { Pool } from 'pg';

const pool = new Pool({ connectionString: process.env.DATABASE_URL });

async function openDoor(unit) {
  const tx = await pool.connect();
  try {
    await tx.query('begin');
    await tx.query('update doors set state = $2 where unit = $1', [unit, 'open']);
    await append(tx, { org: 'acme', unit, type: 'door.opened', data: { state: 'open' } });
    await tx.query('commit');
  } catch (error) {
    await tx.query('rollback');
    throw error;
  } finally {
    tx.release();
  }
}

const server = createServer((request, response) => {
  const [, unit] = /^\/doors\/([\w-]+)\/open$/.exec(request.url) ?? [];
  if (request.method !== 'POST' || unit === undefined) return response.writeHead(404).end();
  openDoor(unit).then(
    () => response.writeHead(204).end(),
    () => response.writeHead(500).end(),
  );
});

const commitcast = await attach(server, { pool, jwt: { secret: process.env.JWT_SECRET } });
server.listen(process.env.PORT ?? 3000, () => console.log(`http://127.0.0.1:${server.address().port}`));

async function stop() {
  // Before the server, which waits for its sockets.
  await commitcast.close();
  server.close(() => void pool.end());
}
process.once('SIGTERM', () => void stop());
