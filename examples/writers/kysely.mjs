import { append } from 'commitcast';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';

const pool = new Pool({ connectionString: process.env.DATABASE_URL });
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });

function pay(id, amount) {
  return db.transaction().execute(async (tx) => {
    const order = await tx
      .updateTable('orders')
      .set((eb) => ({ paid: eb('paid', '+', amount) }))
      .where('id', '=', id)
      .returning(['paid', 'total'])
      .executeTakeFirstOrThrow();
    await append(tx, { org: 'acme', unit: id, type: 'order.paid', data: { amount, paid: order.paid } });
    // Whatever throws in here takes back the update and the event.
    if (order.paid > order.total) throw new Error(`${id} costs ${order.total}, not ${order.paid}`);
  });
}

const [, , id, amount] = process.argv;
try {
  await pay(id, Number(amount));
} finally {
  await db.destroy();
}
