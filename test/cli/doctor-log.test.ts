import { randomBytes } from 'node:crypto';
import { expect, inject, it, onTestFinished } from 'vitest';
import { checkWriters } from '../../src/cli/doctor/checks/writers.ts';
import { append } from '../../src/log/append.ts';
import { administer, urlOfDatabase } from '../support/administer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { createServedDatabase, examineAt, noSettings } from './examined.ts';

const event = { org: 'acme', type: 'step', data: null };

const appendThree = (database: TestDatabase) => append(database.pool, [event, event, event]);

/** Waits until the leader has saved that all of the log is published. */
const published = (database: TestDatabase, position: number) =>
  until(async () => {
    const { rows } = await database.pool.query<{ published: string }>(
      'select published from commitcast.relay',
    );
    return Number(rows[0]?.published) === position;
  });

/** Runs what a remedy says, after showing that it says so. */
async function mend(database: TestDatabase, remedy: string, statement: string): Promise<void> {
  expect(remedy).toContain(statement);
  await database.pool.query(statement);
}

it('a log that ends before what was published', async () => {
  const database = await createServedDatabase();
  await appendThree(database);
  await published(database, 3);
  await database.pool.query('update commitcast.relay set published = 1000');
  const examined = await examineAt(database.url);
  expect(examined.problems).toEqual(['HEAD_BEHIND_PUBLISHED']);
  const { seen, remedy } = examined.finding('HEAD_BEHIND_PUBLISHED');
  expect(seen).toBe('Published up to 1,000, and the log ends at 3.');
  expect(remedy).toContain('commitcast epoch new');
  await mend(database, remedy, 'update commitcast.relay set published = 3');
  expect((await examineAt(database.url)).problems).toEqual([]);
});

it('events that nobody has published for an hour', async () => {
  const database = await createDatabase();
  // As a relay that died would leave it: written by the owner, for no commit is so old.
  await database.pool.query(
    `insert into commitcast.log
       (position, id, org_id, type, data, created_at, committed_at, timeline, log_oid, control, room)
     values (nextval('commitcast.position'), gen_random_uuid(), 'acme', 'step', '1', now(), now() - interval '1 hour',
       1, 'commitcast.log'::regclass, false, 'org:acme')`,
  );
  const examined = await examineAt(database.url);
  expect(examined.problems).toEqual(['NO_LEADER', 'PUBLISHED_BEHIND_HEAD']);
  expect(examined.finding('PUBLISHED_BEHIND_HEAD').seen).toBe(
    'The log ends at 1, published up to 0; the next event was committed 60 min ago.',
  );
});

it('a sequence that was set back', async () => {
  const database = await createServedDatabase();
  await appendThree(database);
  await published(database, 3);
  await database.pool.query(`select setval('commitcast.position', 1)`);
  const examined = await examineAt(database.url);
  expect(examined.problems).toEqual(['POSITION_BEHIND_HEAD']);
  const { seen, remedy } = examined.finding('POSITION_BEHIND_HEAD');
  expect(seen).toBe('The position given last is 1, and the log has come to 3.');
  await mend(database, remedy, `select setval('commitcast.position', 3)`);
  expect((await examineAt(database.url)).problems).toEqual([]);
});

it('partitions that nobody has made ahead', async () => {
  const database = await createServedDatabase();
  await database.pool.query('drop table commitcast.log_131073');
  const examined = await examineAt(database.url);
  expect(examined.problems).toEqual(['PARTITIONS_FEW']);
  const { seen, remedy } = examined.finding('PARTITIONS_FEW');
  expect(seen).toBe('The log is at 0, and its partitions end at 131,073.');
  await mend(database, remedy, 'select commitcast.make_partitions()');
  expect((await examineAt(database.url)).problems).toEqual([]);
});

it('a log without a partition for the next event', async () => {
  const database = await createServedDatabase();
  await database.pool.query('drop table commitcast.log_1, commitcast.log_131073');
  await expect(append(database.pool, event)).rejects.toThrow(/no partition/);
  const examined = await examineAt(database.url);
  expect(examined.problems).toEqual(['PARTITIONS_EXHAUSTED']);
  await mend(
    database,
    examined.finding('PARTITIONS_EXHAUSTED').remedy,
    'select commitcast.make_partitions()',
  );
  expect((await examineAt(database.url)).problems).toEqual([]);
  await append(database.pool, event);
});

it('a copy of a database, of which the epoch was not opened', async () => {
  const { url, template } = inject('postgres');
  const name = `commitcast_test_${randomBytes(6).toString('hex')}`;
  await administer(url, `create database ${name} template ${template}`);
  onTestFinished(() => administer(url, `drop database ${name} with (force)`));
  const copy = urlOfDatabase(url, name);
  const examined = await examineAt(copy);
  expect(examined.problems).toEqual(['EPOCH_STALE', 'NO_LEADER']);
  const { seen, remedy } = examined.finding('EPOCH_STALE');
  expect(seen).toMatch(/^Epoch \w{8} was opened for another database: /);
  expect(remedy).toContain('select commitcast.open_epoch()');
  await administer(copy, 'select commitcast.open_epoch()');
  expect((await examineAt(copy)).problems).toEqual(['NO_LEADER']);
});

it('a leader that holds its lock, and counts no more', async () => {
  const database = await createDatabase();
  expect((await examineAt(database.url)).problems).toEqual(['NO_LEADER']);
  const frozen = await database.connect();
  await frozen.query(
    `set application_name = 'commitcast-relay-leader'; select pg_advisory_lock(1668246893, 3)`,
  );
  await database.pool.query(
    `update commitcast.relay set leader = 'gone', updated_at = clock_timestamp() - interval '1 minute'`,
  );
  const examined = await examineAt(database.url);
  expect(examined.problems).toEqual(['HEARTBEAT_STANDS_STILL']);
  const { seen, remedy } = examined.finding('HEARTBEAT_STANDS_STILL');
  const pid = await pidOf(database, 'commitcast-relay-leader');
  expect(seen).toBe(
    `pid ${pid} ("commitcast-relay-leader") holds LEADER, and the last heartbeat was 60 s ago.`,
  );
  await mend(database, remedy, `select pg_terminate_backend(${pid})`);
  await until(async () => (await examineAt(database.url)).problems.join() === 'NO_LEADER');
});

it('a session of somebody else that holds one of our locks', async () => {
  const database = await createServedDatabase();
  const foreign = await database.connect();
  await foreign.query(`set application_name = 'nightly-import'; select pg_advisory_lock(1668246893, 4)`);
  const examined = await examineAt(database.url);
  expect(examined.problems).toEqual(['LOCK_FOREIGN']);
  const { seen, remedy } = examined.finding('LOCK_FOREIGN');
  const pid = await pidOf(database, 'nightly-import');
  expect(seen).toMatch(
    new RegExp(`^pid ${pid} \\("nightly-import", role \\w+\\) holds MIGRATE, exclusively\\.$`),
  );
  await mend(database, remedy, `select pg_terminate_backend(${pid})`);
  await until(async () => (await examineAt(database.url)).problems.length === 0);
});

it('a transaction that holds positions, and does not end', async () => {
  const database = await createServedDatabase();
  const hanging = await database.connect();
  await hanging.query(
    `set application_name = 'stuck'; begin; select pg_advisory_xact_lock_shared(1668246893, 1)`,
  );
  const examined = await until(
    async () => {
      const seen = await examineAt(database.url);
      return seen.problems.length > 0 && seen;
    },
    { message: 'five seconds of holding it' },
  );
  expect(examined.problems).toEqual(['COMMIT_HANGS']);
  expect(examined.finding('COMMIT_HANGS').seen).toMatch(
    /^pid \d+ \("stuck", role \w+\) has been giving positions for \d/,
  );
  await hanging.query('rollback');
  expect((await examineAt(database.url)).problems).toEqual([]);
});

it('rows that were left in the outbox: those of old transactions, and those of another server', async () => {
  const database = await createDatabase();
  await database.pool.query(
    `insert into commitcast.outbox (org_id, type, data, created_at) values ('acme', 'old', '1', now() - interval '1 hour')`,
  );
  const old = await examineAt(database.url);
  expect(old.problems).toEqual(['NO_LEADER', 'OUTBOX_NOT_CLEARED']);
  expect(old.finding('OUTBOX_NOT_CLEARED').seen).toBe('1 rows, the oldest of 60 min ago.');

  await database.pool.query(
    `insert into commitcast.outbox (org_id, type, data, tx) values ('acme', 'restored', '1', '999999999999')`,
  );
  const restored = await examineAt(database.url);
  expect(restored.problems).toEqual(['NO_LEADER', 'OUTBOX_FOREIGN_ROWS', 'OUTBOX_NOT_CLEARED']);
  await mend(database, restored.finding('OUTBOX_FOREIGN_ROWS').remedy, 'select commitcast.clear_outbox()');
  expect((await examineAt(database.url)).problems).toEqual(['NO_LEADER']);
});

it.each([
  [59_000, 0],
  [61_000, 1],
])('a writer whose transaction is %i ms old gives %i findings', async (ageMs, count) => {
  // No test waits for a minute: the row is as read-status.ts gives it.
  const rows = [{ version: '18.0', published: '0', oldest: { pid: 7, applicationName: 'shop', ageMs } }];
  const db = { query: () => Promise.resolve({ rows }) };
  const findings = await checkWriters.look({ db, plain: db, settings: noSettings });
  expect(findings.map(({ code }) => code)).toEqual(Array.from({ length: count }, () => 'WRITER_OPEN'));
});

async function pidOf(database: TestDatabase, applicationName: string): Promise<number | undefined> {
  const { rows } = await database.pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database() and application_name = $1',
    [applicationName],
  );
  return rows[0]?.pid;
}
