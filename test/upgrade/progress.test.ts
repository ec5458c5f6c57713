import { Client } from 'pg';
import { expect, inject, it, onTestFinished } from 'vitest';
import { showMigration } from '../../src/cli/migrate-progress.ts';
import { migrate } from '../../src/db/migrate.ts';
import { reportTo, type MigrationProgress } from '../../src/db/migration-progress.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { runCli } from '../support/cli.ts';
import { createDatabaseAt } from './old-database.ts';

/** An empty database in which the first migration takes long: it makes a sequence. */
async function slowDatabase(): Promise<string> {
  const database = await createDatabaseAt(inject('postgres').url, -1);
  onTestFinished(() => database.drop());
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(
    `create function public.take_long() returns event_trigger language plpgsql as $$ begin perform pg_sleep(2.2); end $$;
     create event trigger take_long on ddl_command_end when tag in ('CREATE SEQUENCE') execute function public.take_long()`,
  );
  await client.end();
  return database.url;
}

it('a migration that takes longer than a second is reported each second, and when it is done; no other is', async () => {
  const connectionString = await slowDatabase();
  const reports: MigrationProgress[] = [];
  await migrate({ connectionString, report: (progress) => reports.push(progress) });
  const slow = reports.filter(({ name }) => name === '0000_tables');
  expect(slow.length).toBeGreaterThanOrEqual(3);
  expect(slow.map(({ done }) => done)).toEqual([...slow.slice(1).map(() => false), true]);
  expect(slow[0]).toMatchObject({ number: 1, seconds: 1 });
  expect(slow.at(-1)?.seconds).toBeGreaterThanOrEqual(2);
});

it('`commitcast migrate` says so in a pipe with plain lines, beside what it logs', async () => {
  const { code, stdout, stderr } = await runCli(['migrate'], {
    cwd: '/',
    env: { DATABASE_URL: await slowDatabase() },
  });
  expect(code).toBe(0);
  expect(stdout).toMatch(/The schema is up to date\.\n$/);
  const lines = stderr.split('\n').filter((line) => line.includes('0000_tables'));
  expect(lines).toEqual([
    expect.stringMatching(/^0000_tables \(1 of \d+\): 1 s; transactions that append wait$/),
    expect.stringMatching(/^0000_tables \(1 of \d+\): \d s$/),
  ]);
});

const step = { name: '0008_streams', number: 4, of: 8 };

it('in a pipe there is a line at once, one each five seconds, and one at the end', () => {
  let text = '';
  const show = showMigration({ write: (part: string) => (text += part) });
  for (let seconds = 1; seconds <= 12; seconds++) show({ ...step, seconds, done: false });
  show({ ...step, seconds: 12, done: true });
  show({ ...step, name: '0009_consumers', number: 5, seconds: 1, done: false });
  expect(
    [...text.matchAll(/^(\d+)_\w+ \(\d of 8\): (\d+) s(; .*)?$/gm)].map(([, name, seconds]) => [
      name,
      seconds,
    ]),
  ).toEqual([
    ['0008', '1'],
    ['0008', '6'],
    ['0008', '11'],
    ['0008', '12'],
    ['0009', '1'],
  ]);
});

it('on a terminal one line is rewritten', () => {
  let text = '';
  const show = showMigration({ isTTY: true, write: (part: string) => (text += part) });
  show({ ...step, seconds: 1, done: false });
  show({ ...step, seconds: 2, done: false });
  show({ ...step, seconds: 2, done: true });
  expect(text.split('\r')).toHaveLength(4);
  expect(text.match(/\n/g)).toHaveLength(1);
  expect(text.endsWith('0008_streams (4 of 8): 2 s\x1b[K\n')).toBe(true);
});

it('the log of a server gets the first report, one in ten, and the last', () => {
  const seconds: number[] = [];
  const info = ({ migration }: { migration?: { seconds: number } }) => seconds.push(migration?.seconds ?? 0);
  const report = reportTo({ ...silentLogger, info });
  for (let n = 1; n <= 21; n++) report({ ...step, seconds: n, done: false });
  report({ ...step, seconds: 22, done: true });
  expect(seconds).toEqual([1, 11, 21, 22]);
});
