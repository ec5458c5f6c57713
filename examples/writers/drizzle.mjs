import { append } from 'commitcast';
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';

const orders = pgTable('orders', {
  id: text().primaryKey(),
  total: integer().notNull(),
  paid: integer().notNull(),
});
const db = drizzle(process.env.DATABASE_URL);

function pay(id, amount) {
  return db.transaction(async (tx) => {
    const [order] = await tx
      .update(orders)
      .set({ paid: sql`${orders.paid} + ${amount}` })
      .where(eq(orders.id, id))
      .returning();
    await append(tx, { org: 'acme', unit: id, type: 'order.paid', data: { amount, paid: order.paid } });
    // Whatever throws in here takes back the update and the event.
    if (order.paid > order.total) throw new Error(`${id} costs ${order.total}, not ${order.paid}`);
  });
}

const [, , id, amount] = process.argv;
try {
  await pay(id, Number(amount));
} finally {
  await db.$client.end();
}
