import { append } from 'commitcast';
import knex from 'knex';

const db = knex({ client: 'pg', connection: process.env.DATABASE_URL });

function pay(id, amount) {
  return db.transaction(async (tx) => {
    const [order] = await tx('orders')
      .where({ id })
      .update({ paid: tx.raw('paid + ?', [amount]) }, ['paid', 'total']);
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
