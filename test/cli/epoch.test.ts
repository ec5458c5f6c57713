import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { makeFolder, runCli } from '../support/cli.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const cwd = '/';

/** The rows of the table: epoch, opened, timeline, end of the epoch before. */
const rowsOf = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .slice(3)
    .map((line) => line.split(/ +/));

it('epoch prints the epoch in force and those before it', async () => {
  const database = await createDatabase();
  const { rows } = await database.pool.query<{ epoch: string; opened_at: Date }>(
    'select epoch, opened_at from commitcast.epoch order by ordinal',
  );
  const { stdout, code } = await runCli(['epoch'], { cwd, env: { DATABASE_URL: database.url } });
  expect(code).toBe(0);
  expect(stdout).toContain(`In force: ${rows.at(-1)?.epoch}\n`);
  expect(rowsOf(stdout)).toEqual(
    rows.map(({ epoch, opened_at }, index) => [epoch, opened_at.toISOString(), '1', index === 0 ? '-' : '0']),
  );
});

it('epoch new opens one that begins where the log ends; who saw what came after it is told', async () => {
  const database = await createDatabase();
  const env = { DATABASE_URL: database.url };
  await append(
    database.pool,
    [1, 2, 3].map((data) => ({ org: 'acme', type: 'kept', data })),
  );
  const before = await runCli(['epoch'], { cwd, env });
  const old = /In force: (\w{8})/.exec(before.stdout)?.[1] ?? '';

  const { stdout, code } = await runCli(['epoch', 'new'], { cwd, env });
  expect(code).toBe(0);
  const opened = /In force: (\w{8})/.exec(stdout)?.[1];
  expect(opened).not.toBe(old);
  expect(rowsOf(stdout).at(-1)).toEqual([opened, expect.any(String), '1', '3']);
  expect(rowsOf(stdout)).toHaveLength(rowsOf(before.stdout).length + 1);
  expect((await runCli(['epoch'], { cwd, env })).stdout).toBe(stdout);

  // Positions 4 and 5 of the old epoch went with the snapshot that was rolled back.
  const { url } = await startServer(database);
  const beyond = await connectClient(url, { cursor: `${old}-5` });
  const within = await connectClient(url, { cursor: `${old}-2` });
  await Promise.all([beyond.live(), within.live()]);
  expect(beyond.resets).toMatchObject([{ reason: 'epoch' }]);
  expect(within.resets).toEqual([]);
  await until(() => within.events.length === 1);
  expect(within.positions).toEqual([3]);
});

it('epoch new is noticed by instances that run; who has seen nothing that is gone goes on', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  const client = await connectClient(url);
  await client.live();
  const { stdout } = await runCli(['epoch', 'new'], { cwd, env: { DATABASE_URL: database.url } });
  const opened = /In force: (\w{8})/.exec(stdout)?.[1] ?? '';
  expect(client.cursor?.startsWith(opened)).toBe(false);
  let appended = 0;
  await until(async () => {
    appended += 1;
    await append(database.pool, { org: 'acme', type: 'step', data: appended });
    await until(() => client.events.length === appended);
    return client.cursor?.startsWith(opened);
  });
  expect(client.events.map(({ data }) => data)).toEqual(client.events.map((_, index) => index + 1));
  expect(client.resets).toEqual([]);
});

it.each<[string, string[], Record<string, string>, string]>([
  ['another word', ['epoch', 'old'], { DATABASE_URL: 'postgres://localhost/x' }, 'USAGE'],
  ['no database', ['epoch'], {}, 'DATABASE_REQUIRED'],
])('epoch with %s is refused with its code', async (_case, args, env, code) => {
  const result = await runCli(args, { cwd: await makeFolder(), env });
  expect(result.stderr).toMatch(new RegExp(`^${code}: `, 'm'));
  expect(result.code).toBe(1);
});
