import { Client } from 'pg';
import { connect } from '../../src/db/connection.ts';
import { readRange } from '../../src/log/read-range.ts';
import { readPositions } from '../../src/log/read-positions.ts';
import { readHead } from '../../src/log/head.ts';
import { silentLogger } from '../../src/core/logger.ts';
const url = process.argv[2] ?? '';
const { client } = await connect({ connectionString: url, applicationName: 'q', logger: silentLogger });
const db = { query: (text: string, values?: unknown[]) => client.query(text, values) };
const names = new Map<string, string>();
const prep = { query: (text: string, values?: unknown[]) => { let name = names.get(text); if (!name) names.set(text, name = 'q' + names.size); return client.query({ name, text, values: values ?? [] }); } };
const { last } = await readHead(db);
async function time(label: string, f: () => Promise<unknown>) {
  const t: number[] = [];
  for (let i = 0; i < 300; i++) { const a = performance.now(); await f(); t.push(performance.now() - a); }
  t.sort((a, b) => a - b); console.log(label, 'min', t[0]!.toFixed(2), 'p50', t[150]!.toFixed(2), 'p90', t[270]!.toFixed(2));
}
console.log('last', last);
await time('select 1', () => db.query('select 1'));
await time('readPositions 1', () => readPositions(db, last - 1, 5000));
await time('readRange 1', () => readRange(db, last - 1, last));
await time('readHead', () => readHead(db));
await time('prepared readPositions 1', () => readPositions(prep, last - 1, 5000));
await time('prepared readRange 1', () => readRange(prep, last - 1, last));
await time('readRange 1000', () => readRange(db, last - 1000, last));
await time('prepared readRange 1000', () => readRange(prep, last - 1000, last));
process.exit();
