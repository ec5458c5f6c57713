import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { urlOfDatabase } from '../support/administer.ts';
import { makeFolder } from '../support/cli.ts';
import { connectClient } from '../support/client.ts';
import type { TestDatabase } from '../support/database.ts';
import { docBlock, withBuiltCommand } from '../support/doc-blocks.ts';
import { queryOnce, runProgram, startPostgresNode } from '../support/postgres-node.ts';
import { startServer } from '../support/server.ts';
import { startStandbyPair } from '../support/standby.ts';
import { describeWithTool, findTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const page = 'docs/recovery.md';

/** Commands of the page in a shell that has Postgres' own programs; what they print. They may fail: `doctor` does. */
async function run(block: string, env: Record<string, string>, cwd: string): Promise<string> {
  const path = `${dirname(findTool('pg_basebackup') ?? '')}${delimiter}${process.env['PATH']}`;
  const script = /commitcast [a-z]/.test(block) ? withBuiltCommand(block) : block;
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-c', script], {
    cwd,
    env: { PATH: path, ...env },
  }).catch((error: unknown) => error as { stdout: string; stderr: string });
  return stdout + stderr;
}

/** `startServer` and the clients' support want no more of a database than its address. */
const serve = (url: string) => startServer({ url } as TestDatabase);

const write = (url: string, types: string[]) =>
  queryOnce(
    url,
    `insert into commitcast.outbox (org_id, type, data) select 'acme', type, 'null' from unnest($1::text[]) type`,
    [types],
  );

/** Two clients: one that has seen all that was committed, and one that was away since the first event. */
async function seeThree(url: string, keep: () => Promise<void>) {
  const server = await serve(url);
  const client = await connectClient(server.url);
  await client.live();
  await write(url, ['kept-1']);
  await until(() => client.events.length === 1);
  await until(() => client.cursor?.endsWith('-1'));
  const early = client.cursor ?? '';
  await write(url, ['kept-2']);
  await until(() => client.events.length === 2);
  await keep();
  await write(url, ['lost']);
  await until(() => client.events.length === 3);
  const beyond = client.cursor ?? '';
  client.socket.disconnect();
  await server.close();
  return { early, beyond, epoch: beyond.split('-')[0] ?? '' };
}

/** What the page promises to either of them; the same position is another event by now. */
async function expectPromises(url: string, { early, beyond, epoch }: Awaited<ReturnType<typeof seeThree>>) {
  const server = await serve(url);
  const saw = await connectClient(server.url, { cursor: beyond });
  const wasAway = await connectClient(server.url, { cursor: early });
  await Promise.all([saw.live(), wasAway.live()]);
  await until(() => saw.events.length === 1 && wasAway.events.length === 2);
  const present = saw.cursor?.split('-')[0] ?? '';
  expect(present).not.toBe(epoch);
  expect(saw.resets).toEqual([{ reason: 'epoch', cursor: `${present}-2` }]);
  expect(wasAway.resets).toEqual([]);
  expect(saw.events.map(({ type }) => type)).toEqual(['other']);
  expect(wasAway.events.map(({ type }) => type)).toEqual(['kept-2', 'other']);
  expect(wasAway.cursor?.split('-')[0]).toBe(present);
  const unknown = await connectClient(server.url, { cursor: 'aaaaaaaa-1' });
  await unknown.live();
  expect(unknown.resets).toMatchObject([{ reason: 'unknown' }]);
  return present;
}

const timeoutMs = 120_000;

describeWithTool('pg_basebackup', 'docs/recovery.md', () => {
  it('a dump that is taken and restored as printed is a new epoch, and clients get what the page says', async () => {
    // pg_dump refuses servers that are newer than itself: one of its own version.
    const database = await startPostgresNode();
    await migrate({ connectionString: database.url });
    const cwd = await makeFolder();
    const name = `commitcast_test_${randomBytes(6).toString('hex')}`;
    const restored = urlOfDatabase(database.url, name);
    const env = { DATABASE_URL: database.url, RESTORED_URL: restored };
    const cursors = await seeThree(database.url, async () => {
      expect(await run(docBlock(page, 'sh backup'), env, cwd)).toBe('');
    });
    const printed = docBlock(page, 'sh restore').replaceAll(/\bapp_restored\b/g, name);
    expect(await run(printed, env, cwd)).toContain(`In force: ${cursors.epoch}\n`);
    const doctor = await run(docBlock(page, 'sh after'), { DATABASE_URL: restored }, cwd);
    expect(doctor).toContain('EPOCH_STALE');
    for (const code of ['HEAD_BEHIND_PUBLISHED', 'POSITION_BEHIND_HEAD', 'OUTBOX_FOREIGN_ROWS'])
      expect(doctor).not.toContain(code);
    await write(restored, ['other']);
    const present = await expectPromises(restored, cursors);
    expect(await run(docBlock(page, 'sh after'), { DATABASE_URL: restored }, cwd)).toMatch(
      new RegExp(`In force: ${present}\\n[^]*${present} .* 2$`, 'm'),
    );
  });

  it(
    'a base backup that is started without recovery has its old epoch, until `epoch new` as printed',
    async () => {
      const node = await startPostgresNode();
      await migrate({ connectionString: node.url });
      const backup = join(dirname(node.data), 'backup');
      const cursors = await seeThree(node.url, () =>
        runProgram('pg_basebackup', [
          '--dbname',
          node.url,
          '--pgdata',
          backup,
          '--checkpoint=fast',
          '--no-sync',
        ]),
      );
      await node.stop();
      await rm(node.data, { recursive: true });
      await rename(backup, node.data);
      await node.start();
      const env = { DATABASE_URL: node.url };
      const cwd = await makeFolder();
      const before = await run(docBlock(page, 'sh after'), env, cwd);
      expect(before).toContain(`In force: ${cursors.epoch}\n`);
      expect(before).not.toContain('EPOCH_STALE');
      expect(await run(docBlock(page, 'sh rollback'), env, cwd)).toMatch(/ 2$/m);
      await write(node.url, ['other']);
      await expectPromises(node.url, cursors);
    },
    timeoutMs,
  );

  it(
    'a standby that is promoted is a new epoch of another timeline, as the printed commands show',
    async () => {
      const pair = await startStandbyPair();
      await migrate({ connectionString: pair.primary.url });
      const cursors = await seeThree(pair.primary.url, async () => {
        await pair.replicated();
        pair.partition();
      });
      await pair.primary.kill();
      await pair.promote();
      const env = { DATABASE_URL: pair.standby.url };
      const cwd = await makeFolder();
      expect(await run(docBlock(page, 'sh after'), env, cwd)).toContain('EPOCH_STALE');
      await write(pair.standby.url, ['other']);
      const present = await expectPromises(pair.standby.url, cursors);
      const after = await run(docBlock(page, 'sh after'), env, cwd);
      expect(after).not.toContain('EPOCH_STALE');
      expect(after).not.toContain('NO_LEADER');
      expect(after).toMatch(new RegExp(`^${present} .* 2 +2$`, 'm'));
    },
    timeoutMs,
  );
});
