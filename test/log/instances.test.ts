import { expect, it } from 'vitest';
import type { InstanceReport } from '../../src/core/status.ts';
import { ReplayCounts } from '../../src/gateway/replay-counts.ts';
import { readInstances } from '../../src/log/read-instances.ts';
import { readStatus } from '../../src/log/read-status.ts';
import { removeInstance } from '../../src/log/remove-instance.ts';
import { reportInstance, type InstanceName } from '../../src/log/report-instance.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertEvent } from '../support/transactions.ts';
import { largeReport, named } from './instance-reports.ts';

const delivered = (position: number): Pick<InstanceReport, 'gateway'> => ({
  gateway: {
    epoch: 'aaaaaaaa',
    position,
    lag: null,
    sessions: { total: 0, live: 0, catchingUp: 0, slow: 0, sockets: 0, streams: 0 },
    rooms: 0,
    largestRooms: [],
    slowSessions: [],
    replays: new ReplayCounts().report,
  },
});

const said = { upMs: 5_000, report: largeReport() };

async function makeSilent(database: TestDatabase, { id }: InstanceName, seconds: number) {
  await database.pool.query(
    `update commitcast.instance set seen_at = seen_at - $2 * interval '1 s' where id = $1`,
    [id, seconds],
  );
}

it('instances are read as they have said they are, with ages by the clock of the database', async () => {
  const { pool } = await createDatabase();
  const name = named();
  await reportInstance(pool, name, said);
  await reportInstance(pool, name, { ...said, upMs: 7_000 });
  const [read, ...others] = await readInstances(pool);
  expect(others).toEqual([]);
  expect(read).toMatchObject({ ...name, report: said.report });
  // When it started was said by the first report.
  expect(read?.upMs).toBeGreaterThanOrEqual(5_000);
  expect(read?.upMs).toBeLessThan(7_000);
  expect(read?.seenAgeMs).toBeLessThan(read?.upMs ?? 0);
  await removeInstance(pool, name.id);
  expect(await readInstances(pool)).toEqual([]);
});

it('the answer to a report is the end of the log, whatever of it was published, or delivered there', async () => {
  const { pool } = await createDatabase();
  const report = async (position: number) => {
    const { gateway } = delivered(position);
    return reportInstance(pool, named(), { upMs: 0, report: { ...largeReport(), gateway } });
  };
  expect(await report(0)).toBe(0);
  for (const type of ['x', 'y', 'z']) await insertEvent(pool, type);
  for (const position of [0, 1, 3]) expect(await report(position)).toBe(3);
});

it('those that are silent for a minute are not read, and the next report forgets them', async () => {
  const database = await createDatabase();
  const [silent, quiet, live] = [named(), named(), named()];
  for (const name of [silent, quiet, live]) await reportInstance(database.pool, name, said);
  await makeSilent(database, silent, 61);
  await makeSilent(database, quiet, 50);
  const ids = (await readInstances(database.pool)).map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set([quiet.id, live.id]));
  await reportInstance(database.pool, live, said);
  const { rows } = await database.pool.query('select id from commitcast.instance order by started_at');
  expect(rows).toHaveLength(2);
  // Whoever was silent and reports again is there again.
  await makeSilent(database, quiet, 61);
  await reportInstance(database.pool, quiet, said);
  expect(await readInstances(database.pool)).toHaveLength(2);
});

it('a report does not wait for another one whose row is held', async () => {
  const database = await createDatabase();
  const [silent, live] = [named(), named()];
  for (const name of [silent, live]) await reportInstance(database.pool, name, said);
  await makeSilent(database, silent, 61);
  const holder = await database.connect();
  await holder.query('begin');
  await holder.query('select from commitcast.instance where id = $1 for update', [silent.id]);
  const hurried = await database.connect();
  await hurried.query(`set statement_timeout = '2s'`);
  await reportInstance(hurried, live, said);
  await holder.query('rollback');
});

it('only the relay role may report and see reports', async () => {
  const database = await createDatabase();
  const name = named();
  const relay = await database.connect(await database.urlAsMemberOf('commitcast_relay'));
  await reportInstance(relay, name, said);
  expect(await readInstances(relay)).toHaveLength(1);
  expect(await readStatus(relay)).toMatchObject({ log: { head: 0 } });
  await removeInstance(relay, name.id);
  for (const role of ['commitcast_writer', 'commitcast_reader', 'commitcast_consumer']) {
    const client = await database.connect(await database.urlAsMemberOf(role));
    await expect(readInstances(client)).rejects.toMatchObject({ code: '42501' });
    await expect(reportInstance(client, name, said)).rejects.toMatchObject({ code: '42501' });
    await client.end();
  }
  await relay.end();
});
