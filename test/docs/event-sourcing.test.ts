import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { versionsInLog } from '../support/streams.ts';

const root = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(root, 'docs/event-sourcing.md'), 'utf8');
const block = (info: string) => {
  const [, content] = new RegExp(`^\`\`\`${info}\\n(.*?)^\`\`\`$`, 'ms').exec(text) ?? [];
  if (content === undefined) throw new Error(`the page has no block ${info}`);
  return content;
};

it('the bank has fewer than 60 lines', () => {
  expect(block('js bank.mjs').split('\n').length).toBeLessThan(60);
});

it('the bank passes its tests as printed, against the built package', async () => {
  const database = await createDatabase();
  const folder = await mkdtemp(join(root, 'dist/.bank-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const file of ['bank.mjs', 'bank.test.mjs']) await writeFile(join(folder, file), block(`js ${file}`));
  const child = spawn(
    process.execPath,
    ['--test', '--test-timeout=50000', '--test-reporter=tap', join(folder, 'bank.test.mjs')],
    { env: { ...process.env, DATABASE_URL: database.url }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(code, output).toBe(0);
  expect(output).toContain('# pass 2');

  // What the database says of it, without the code that was tested.
  const { rows } = await database.pool.query<{ total: string; least: string }>(
    `select sum(amount) as total, min(balance) as least from (
       select amount, sum(amount) over (partition by stream order by version) as balance from (
         select stream, version, (data->>'amount')::int * case type when 'deposited' then 1 else -1 end as amount
         from commitcast.log where org_id = 'bank'
       ) signed
     ) running`,
  );
  expect(rows[0]?.total).toBe('200');
  expect(Number(rows[0]?.least)).toBeGreaterThanOrEqual(0);
  expect((await versionsInLog(database.pool, 'bank')).length).toBeGreaterThan(4);
});

it('the SQL of the page appends two versions of one stream', async () => {
  const database = await createDatabase();
  await database.pool.query(block('sql'));
  expect(await versionsInLog(database.pool, 'acme')).toEqual(['order-1 1', 'order-1 2']);
});
