import { expect, it } from 'vitest';
import { openEpoch } from '../../src/log/epoch.ts';
import { createBusiness, readFacts } from '../support/business.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { checkHistory } from '../support/history-checker.ts';
import { createObservers } from '../support/observers.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { startWriters } from '../support/writers.ts';

/** One pass: the row goes to the log in the trigger on the outbox. */
const onePass = (before: string) => `
  create or replace function commitcast.hand_on() returns trigger
  language plpgsql security definer set search_path = commitcast, pg_temp as $$
  begin
    ${before}
    insert into commitcast.log
      (position, id, org_id, site_id, unit_id, type, data, created_at, committed_at, timeline, log_oid, control, room)
    select nextval('commitcast.position'), new.id, new.org_id, new.site_id, new.unit_id, new.type, new.data,
      new.created_at, clock_timestamp(), timeline, log_oid, false,
      commitcast.room_of(new.org_id, new.site_id, new.unit_id)
    from commitcast.identity;
    perform pg_notify('commitcast', '');
    return null;
  end $$;`;

const atInsert = `
  drop trigger hand_on on commitcast.outbox;
  create trigger hand_on after insert on commitcast.outbox for each row execute function commitcast.hand_on();
  alter table commitcast.outbox enable always trigger hand_on;`;

const holdCommitting = 'perform pg_advisory_xact_lock_shared(1668246893, 1);';

/** Ways to give positions that look as good, each set up in the test's own database alone. */
const mechanisms: { given: string; sql: string; finds: 'inverted' | 'missed' }[] = [
  { given: 'at INSERT', sql: onePass(holdCommitting) + atInsert, finds: 'inverted' },
  { given: 'at INSERT, by readers that wait for nobody', sql: onePass('') + atInsert, finds: 'missed' },
  { given: 'at COMMIT, but in one pass', sql: onePass(holdCommitting), finds: 'inverted' },
];

async function judge(database: TestDatabase) {
  const random = createRandom(chooseSeed('a broken order'));
  await createBusiness(database.pool);
  await openEpoch(database.pool);
  const server = await startServer(database);
  const observers = createObservers(3);
  for (const observer of observers) await observer.connect(server.url);
  const writers = startWriters({ url: database.url, random, transactions: 1_000 });
  await writers.finished;
  const facts = await readFacts(database.pool);
  // What was skipped never comes: a last event of each org, committed after all others, says that there is no more.
  const { rows: lasts } = await database.pool.query<{ org: string; id: string }>(
    `insert into commitcast.outbox (org_id, type, data) select unnest($1::text[]), 'last', '{}'
     returning org_id as org, id`,
    [observers.map(({ org }) => org)],
  );
  for (const { org, seen } of observers) {
    await until(() => lasts.some((last) => last.org === org && seen.has(last.id)), {
      message: 'the last event',
    });
  }
  return checkHistory({ facts, clients: observers, spans: writers.spans });
}

it.for(mechanisms.map(({ given, ...mechanism }) => [given, mechanism] as const))(
  'P2, P3: the checker finds what is wrong with positions that are given %s',
  async ([, { sql, finds }]) => {
    const database = await createDatabase();
    await database.pool.query(sql);
    const { examples, ...counts } = await judge(database);
    console.log(JSON.stringify(counts));
    expect(counts[finds]).toBeGreaterThan(0);
    expect(examples[finds]).not.toHaveLength(0);
  },
);
