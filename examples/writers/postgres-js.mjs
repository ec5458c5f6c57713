import { append } from 'commitcast';
import postgres from 'postgres';

const sql = postgres(process.env.DATABASE_URL);

function pay(id, amount) {
  return sql.begin(async (tx) => {
    const [order] =
      await tx`update orders set paid = paid + ${amount} where id = ${id} returning paid, total`;
    // `tx`, not `sql`: that would be a transaction of its own, on another connection.
    await append(tx, { org: 'acme', unit: id, type: 'order.paid', data: { amount, paid: order.paid } });
    // Whatever throws in here takes back the update and the event.
    if (order.paid > order.total) throw new Error(`${id} costs ${order.total}, not ${order.paid}`);
  });
}

const [, , id, amount] = process.argv;
try {
  await pay(id, Number(amount));
} finally {
  await sql.end();
}
