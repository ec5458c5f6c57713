import { append } from 'commitcast';
import { attach } from 'commitcast/attach';
import { drizzle } from 'drizzle-orm/node-postgres';
import { eq } from 'drizzle-orm';
import { pgTable, text } from 'drizzle-orm/pg-core';
import express from 'express';

const doors = pgTable('doors', { unit: text().primaryKey(), state: text().notNull() });
const db = drizzle(process.env.DATABASE_URL);
const app = express();

app.post('/doors/:unit/open', async (request, response) => {
  const { unit } = request.params;
  await db.transaction(async (tx) => {
    await tx.update(doors).set({ state: 'open' }).where(eq(doors.unit, unit));
    await append(tx, { org: 'acme', unit, type: 'door.opened', data: { state: 'open' } });
  });
  response.sendStatus(204);
});

const server = app.listen(process.env.PORT ?? 3000);
const commitcast = await attach(server, { db, jwt: { secret: process.env.JWT_SECRET } });
console.log(`http://127.0.0.1:${server.address().port}`);

async function stop() {
  // Before the server, which waits for its sockets.
  await commitcast.close();
  server.close(() => void db.$client.end());
}
process.once('SIGTERM', () => void stop());
