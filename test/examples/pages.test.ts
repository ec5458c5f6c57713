import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { examples } from './run-example.ts';

const read = (path: string) => readFileSync(join(examples, '..', path), 'utf8');

it.each(['writers', 'attach'])('the page docs/%s.md prints every example as it is run', (name) => {
  const printed = [...read(`docs/${name}.md`).matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(
    ([, file = '', content = '']) => [file, content] as const,
  );
  const files = readdirSync(join(examples, name)).filter((file) => file !== 'tsconfig.json');
  expect(printed.map(([file]) => file).toSorted()).toEqual(files.toSorted());
  for (const [file, content] of printed) expect(content, file).toBe(read(`examples/${name}/${file}`));
});

it('the statements for other languages run as printed', async () => {
  const { pool } = await createDatabase();
  await pool.query(read('examples/writers/orders.sql'));
  await pool.query(`insert into orders values ('order-7', 100)`);
  const [, sql = ''] = /## Other languages.*?^```sql\n(.*?)^```$/ms.exec(read('docs/writers.md')) ?? [];
  await pool.query(sql);
  const { rows } = await pool.query('select org_id, unit_id, type, data from commitcast.log');
  expect(rows).toEqual([{ org_id: 'acme', unit_id: 'order-7', type: 'order.paid', data: { amount: 40 } }]);
});
