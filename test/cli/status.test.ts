import { expect, it } from 'vitest';
import type { StatusAnswer } from '../../src/core/status.ts';
import { append } from '../../src/log/append.ts';
import { operate } from '../consumer/operated.ts';
import { runCli } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const runStatus = async (databaseUrl: string, ...args: string[]): Promise<string> => {
  const { stdout, stderr, code } = await runCli(['status', ...args], {
    cwd: '/',
    env: { DATABASE_URL: databaseUrl },
  });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
};

it('shows the log, who leads, the instances, and the consumers', async () => {
  const { database, write, partition } = await operate();
  await write([1, 2]);
  await until(async () => (await partition()).position === 2);
  const writer = await database.connect();
  await writer.query(`set application_name = 'nightly-import'; begin`);
  await append(writer, { org: 'acme', type: 'open', data: null });
  const status = await until(async () => {
    const seen = JSON.parse(await runStatus(database.url, '--json')) as StatusAnswer & { published: number };
    const [instance] = seen.instances;
    return (
      seen.published === 2 &&
      instance?.report.gateway?.position === 2 &&
      seen.leader?.instance === instance.id &&
      seen
    );
  });
  expect(status).toMatchObject({
    log: { head: 2, floor: 1 },
    published: 2,
    waitingFor: [],
    oldestWriter: { applicationName: 'nightly-import' },
    instances: [{ kind: 'serve', pid: process.pid, report: { relay: { leading: true } } }],
    consumers: [{ name: 'copy', position: 2 }],
  });

  const text = await runStatus(database.url);
  expect(text).toMatch(/^Postgres \d+\.\d+, epoch [a-z0-9]{8}\nlog {7}1 to 2, \d+ partitions, \d+\.\d MiB$/m);
  expect(text).toMatch(new RegExp(`^leader {4}.+ \\(${process.pid}\\), heartbeat \\d+\\.\\d s ago$`, 'm'));
  expect(text).toMatch(/^published 2, all of the log$/m);
  expect(text).toMatch(/^sessions  0$/m);
  expect(text).not.toContain('Not all is well');
  expect(text).toMatch(/^writing {3}pid \d+ \(nightly-import\), open for \d+(\.\d)? s: /m);
  expect(text).toMatch(
    new RegExp(`\\(${process.pid}\\) +serve +\\d+(\\.\\d)? s +leads +2 +0 +0 +0 +0 +runs$`, 'm'),
  );
  expect(text).toMatch(/^copy +2 +0 +0 +runs$/m);
});

it('a database that nobody serves says so', async () => {
  const { url } = await createDatabase();
  const text = await runStatus(url);
  expect(text).toMatch(/^leader {4}nobody so far\n\nNo instance runs\.\n$/m);
  expect(text).toMatch(/^Not all is well: `commitcast doctor` says what to do\.\n$/m);
});
