import { expect, it } from 'vitest';
import type { ConsumerPartition } from '../../src/consumer/list-consumers.ts';
import type { ParkedDetail } from '../../src/consumer/list-parked.ts';
import { operate, type OperatedOptions } from '../consumer/operated.ts';
import { makeFolder, runCli, startCli } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

async function operateByCli(options: OperatedOptions = {}) {
  const operated = await operate(options);
  const given = { cwd: '/', env: { DATABASE_URL: operated.database.url } };
  return {
    ...operated,
    given,
    /** Standard output of a command that succeeds. */
    run: async (...args: string[]): Promise<string> => {
      const { stdout, stderr, code } = await runCli(['consumers', ...args], given);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      return stdout;
    },
  };
}

it('list shows position, lag and state; pause and resume show in it', async () => {
  const { run, write, heard, partition } = await operateByCli();
  await write([1, 2]);
  await until(async () => (await partition()).position === 2);
  const running = await run('list');
  expect(running).toMatch(/^consumer +position +lag +behind +parked +state\n/);
  expect(running).toMatch(/^copy +2 +0 +- +0 +runs\n$/m);

  expect(await run('pause', 'copy')).toBe('copy is paused.\n');
  await heard();
  await write([3]);
  expect(await run('list')).toMatch(/^copy +2 +1 +\d+\.\d s +0 +paused\n$/m);
  const [shown] = JSON.parse(await run('list', '--json')) as ConsumerPartition[];
  expect(shown).toMatchObject({
    name: 'copy',
    position: 2,
    head: 3,
    lagPositions: 1,
    paused: true,
    alive: true,
  });

  expect(await run('resume', 'copy')).toBe('copy goes on.\n');
  await until(async () => (await partition()).lagPositions === 0);
});

it('rewind goes to the start, a position or a cursor, and waits until it has caught up', async () => {
  const { given, run, write, copied, database } = await operateByCli();
  await write([1, 2, 3]);
  await until(async () => (await copied()).length === 3);
  const waited = await runCli(['consumers', 'rewind', 'copy', '--to', 'start', '--wait'], given);
  expect(waited).toMatchObject({ code: 0, stdout: 'copy goes on after position 0.\n' });
  expect(waited.stderr).toMatch(/^3 of 3 events \(100 %\), \d+\/s\n$/m);
  expect(await copied()).toEqual([1, 2, 3, 1, 2, 3]);

  await run('rewind', 'copy', '--to', '2');
  await until(async () => (await copied()).length === 7);
  const { rows } = await database.pool.query<{ epoch: string }>(
    'select epoch from commitcast.epoch order by ordinal desc limit 1',
  );
  await run('rewind', 'copy', '--to', `${rows[0]?.epoch}-1`);
  await until(async () => (await copied()).length === 9);
  expect((await copied()).slice(6)).toEqual([3, 2, 3]);
  expect(await runCli(['consumers', 'rewind', 'copy', '--to', 'aaaaaaaa-1'], given)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^CURSOR_INVALID: /) as string,
  });
});

it('rebuild takes back what was written, and shows how far it is', async () => {
  const { given, write, copied, database } = await operateByCli();
  await write(Array.from({ length: 300 }, (_, index) => index));
  await until(async () => (await copied()).length === 300);
  await database.pool.query('insert into copy (data) values (-1)');
  const { code, stdout, stderr } = await runCli(['consumers', 'rebuild', 'copy', '--wait'], given);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'copy will be rebuilt.\n' });
  expect(stderr).toMatch(/^300 of 300 events \(100 %\), [\d,]+\/s\n$/m);
  expect(await copied()).toEqual(Array.from({ length: 300 }, (_, index) => index));
});

it('waiting says what it waits for, and ends with an error when a partition stands still', async () => {
  const bad = new Set<unknown>();
  const { given, run, write } = await operateByCli({
    maxAttempts: 1,
    before: ({ data }) => {
      if (bad.has(data)) throw new Error(`cannot do ${String(data)}`);
    },
  });
  await run('pause', 'copy');
  await write([1, 2]);
  const waiting = startCli(['consumers', 'rewind', 'copy', '--to', 'start', '--wait'], given);
  await until(() => waiting.stderr().includes('; it is paused\n'));
  await run('resume', 'copy');
  expect(await waiting.ended).toBe(0);

  bad.add(2);
  const failed = await runCli(['consumers', 'rebuild', 'copy', '--wait'], given);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/^CONSUMER_FAILED: .* stands still at position 1: Error: cannot do 2\n/m);
  expect(await run('list')).toMatch(/^copy .* failed: stands still.*\n {2}Error: cannot do 2\n$/m);
});

it('parked events are listed, retried and dropped', async () => {
  const bad = new Set([1, 10]);
  const { given, run, write, copied } = await operateByCli({
    maxAttempts: 1,
    onPoison: 'park-org',
    before: ({ data }) => {
      if (bad.has(data as number)) throw new Error(`cannot do ${String(data)}`);
    },
  });
  expect(await run('parked')).toBe('Nothing is parked.\n');
  await write([1, 2]);
  await write([10], { org: 'rival' });
  await until(async () => (JSON.parse(await run('parked', 'copy', '--json')) as ParkedDetail[]).length === 3);
  const table = await run('parked', 'copy');
  expect(table).toMatch(/^copy +1 +acme +note +1 +Error: cannot do 1\n/m);
  expect(table).toMatch(/^copy +2 +acme +note +0 +waits behind it\n/m);
  expect(await run('parked', '--limit', '2')).toMatch(/--limit N shows more\.\n$/);

  bad.clear();
  expect(await run('retry', 'copy', '--lane', 'acme')).toBe('1 lane will be tried from the first event.\n');
  await until(async () => (await copied()).length === 2);
  expect(await run('drop', 'copy', '--position', '3')).toBe('1 parked event will be dropped.\n');
  await until(async () => (await run('parked')) === 'Nothing is parked.\n');
  expect(await runCli(['consumers', 'retry', 'copy', '--all'], given)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^NOT_FOUND: Nothing like that is parked by copy\n/) as string,
  });
});

it('remove is refused while the consumer runs, and forgets it when nobody does', async () => {
  const { given, run, consumer } = await operateByCli();
  expect(await runCli(['consumers', 'remove', 'copy'], given)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^CONSUMER_RUNNING: Consumer copy has a worker/) as string,
  });
  await consumer.stop();
  expect(await run('list')).toMatch(/^copy .* no worker\n$/m);
  expect(await run('remove', 'copy')).toBe('copy is forgotten.\n');
  expect(await run('list')).toBe('No consumer has ever run against this database.\n');
});

it('a consumer that is not there is refused with its code', async () => {
  const { url } = await createDatabase();
  const result = await runCli(['consumers', 'pause', 'nobody'], { cwd: '/', env: { DATABASE_URL: url } });
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toMatch(/^CONSUMER_UNKNOWN: There is no consumer "nobody"\n/);
});

it.each<[string, string[], string]>([
  ['another verb', ['stop', 'copy'], 'USAGE'],
  ['no name', ['pause'], 'USAGE'],
  ['an option for a name', ['rebuild', '--wait'], 'USAGE'],
  ['a stray word', ['pause', 'copy', 'other'], 'USAGE'],
  ['no target', ['rewind', 'copy'], 'USAGE'],
  ['nothing chosen', ['drop', 'copy'], 'USAGE'],
  ['two choices', ['drop', 'copy', '--all', '--lane', 'acme'], 'USAGE'],
  ['a position that is none', ['retry', 'copy', '--position', '1x'], 'USAGE'],
  ['no database', ['list'], 'DATABASE_REQUIRED'],
])('%s is refused with its code', async (_case, args, code) => {
  const result = await runCli(['consumers', ...args], { cwd: await makeFolder() });
  expect(result.stderr).toMatch(new RegExp(`^${code}: `, 'm'));
  expect(result.code).toBe(1);
});

it('the help names every verb', async () => {
  const { stdout } = await runCli(['consumers', '--help'], { cwd: '/' });
  for (const verb of 'list pause resume rewind rebuild remove parked retry drop'.split(' '))
    expect(stdout).toMatch(new RegExp(`^ {4}${verb} `, 'm'));
});
