import { append } from 'commitcast';
import { Pool } from 'pg';

const pool = new Pool({ connectionString: process.env.DATABASE_URL });

async function pay(id, amount) {
  const tx = await pool.connect();
  try {
    await tx.query('begin');
    const update = 'update orders set paid = paid + $2 where id = $1 returning paid, total';
    const [order] = (await tx.query(update, [id, amount])).rows;
    await append(tx, { org: 'acme', unit: id, type: 'order.paid', data: { amount, paid: order.paid } });
    // Whatever throws in here takes back the update and the event.
    if (order.paid > order.total) throw new Error(`${id} costs ${order.total}, not ${order.paid}`);
    await tx.query('commit');
  } catch (error) {
    await tx.query('rollback');
    throw error;
  } finally {
    tx.release();
  }
}

const [, , id, amount] = process.argv;
try {
  await pay(id, Number(amount));
} finally {
  await pool.end();
}
