import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { judgeAccounts } from './account-judge.ts';
import { runAccountWriters } from './account-writers.ts';
import { createAccounts } from './accounts.ts';

it('random writers with conflicts, crashes and retries: versions are dense from 1, and the business tables are the fold of the log', async () => {
  const random = createRandom(chooseSeed('streams'));
  const database = await createDatabase();
  await createAccounts(database.pool);
  const run = await runAccountWriters(database, random, { writers: 8, commands: 40 });
  console.log(JSON.stringify(run.counts));
  expect(await judgeAccounts(database.pool, run.acknowledged)).toEqual([]);
  expect(run.acknowledged).toHaveLength(320);
  // What it is about has happened.
  for (const what of [
    'VERSION_CONFLICT',
    '40001',
    'killed before the commit',
    'killed at the commit',
    'answer lost',
  ])
    expect(run.counts, what).toHaveProperty([what]);
});

const signature = `commitcast.take_versions(of_org text, of_stream text, wanted bigint, expected bigint) returns bigint`;

/** Ways to give versions that look as good, each set up in the test's own database alone. */
const broken: Record<string, { sql: string; finds: RegExp }> = {
  'by what is in the log, without a lock': {
    sql: `create or replace function ${signature} language sql as $$
      select coalesce(max(version), 0) from commitcast.outbox
      where org_id = of_org and stream = of_stream and tx = pg_current_xact_id()
      union all
      select coalesce(max(version), 0) from commitcast.log where org_id = of_org and stream = of_stream
      order by 1 desc limit 1
    $$`,
    finds: /^version: /,
  },
  'by a sequence': {
    sql: `create sequence model.version;
      create or replace function ${signature} language sql as $$
        select nextval('model.version') - 1 from generate_series(1, wanted) order by 1 limit 1
      $$`,
    finds: /^version: /,
  },
  'under the lock, whatever was expected': {
    sql: `create or replace function ${signature} language sql as $$
      insert into commitcast.stream as existing values (of_org, of_stream, wanted)
      on conflict (org_id, stream) do update set version = existing.version + wanted
      returning version - wanted
    $$`,
    finds: /^expected: /,
  },
};

it.for(Object.entries(broken))(
  'the judge objects to versions that are given %s',
  async ([, { sql, finds }]) => {
    const random = createRandom(chooseSeed('broken versions'));
    const database = await createDatabase();
    await createAccounts(database.pool);
    await database.pool.query(sql);
    const run = await runAccountWriters(database, random, { writers: 8, commands: 15 });
    const objections = await judgeAccounts(database.pool, run.acknowledged);
    expect(objections.filter((objection) => finds.test(objection))).not.toEqual([]);
  },
);

it('the judge objects to a command that is done twice', async () => {
  const random = createRandom(chooseSeed('without keys'));
  const database = await createDatabase();
  await createAccounts(database.pool);
  await database.pool.query(`
    create function model.forget() returns trigger language plpgsql as $$
      begin
        delete from commitcast.append_key where key = new.key;
        return null;
      end $$;
    create constraint trigger forget after insert on commitcast.append_key deferrable initially deferred
    for each row execute function model.forget()`);
  const run = await runAccountWriters(database, random, { writers: 8, commands: 20 });
  const objections = await judgeAccounts(database.pool, run.acknowledged);
  expect(objections.filter((objection) => objection.startsWith('twice: '))).not.toEqual([]);
});
