import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { reportInstance } from '../../src/log/report-instance.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { largeReport, named } from './instance-reports.ts';

it('reports leave no bloat: new versions of a row take the place of old ones, without any vacuum', async () => {
  // A server of its own: an open transaction anywhere in a cluster keeps old versions.
  const { url } = await startPrivateServer({ autovacuum: 'off' });
  await migrate({ connectionString: url });
  const client = new Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  const names = Array.from({ length: 4 }, named);
  const reportOften = async (times: number) => {
    for (let n = 0; n < times; n += 1)
      for (const name of names) await reportInstance(client, name, { upMs: n, report: largeReport(n) });
    const { rows } = await client.query<{ size: string }>(
      `select pg_total_relation_size('commitcast.instance') as size`,
    );
    return Number(rows[0]?.size);
  };
  const early = await reportOften(20);
  expect(await reportOften(300)).toBe(early);
});
