import { it } from 'vitest';
import type { CommitcastOptions } from '../../src/http/plugin.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { createBusiness } from '../support/business.ts';
import { createDatabase } from '../support/database.ts';
import { createObservers, roam } from '../support/observers.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { startServer } from '../support/server.ts';
import { untilBlocked } from '../support/transactions.ts';
import { until } from '../support/until.ts';
import { startWriters } from '../support/writers.ts';
import { describeRun, expectPromisesKept, expectTrapsSprung } from './judge.ts';

const arrangements: { adapter: NonNullable<CommitcastOptions['adapter']>; instances: number }[] = [
  { adapter: 'memory', instances: 1 },
  { adapter: 'postgres', instances: 2 },
];

it.for(arrangements)(
  'P1 to P5: under all traps, clients that come and go see all, once, in commit order, and wait for no open transaction ($adapter, $instances)',
  async ({ adapter, instances }) => {
    const random = createRandom(chooseSeed(`ordering, ${adapter}`));
    const database = await createDatabase();
    await createBusiness(database.pool);
    // A clone is another database than its template: without a new epoch the first clients would see it change.
    await openEpoch(database.pool);
    const servers = await Promise.all(
      Array.from({ length: instances }, () => startServer(database, { adapter })),
    );
    const urls = servers.map(({ url }) => url);
    const observers = createObservers(21);
    await Promise.all(observers.map((observer) => observer.connect(random.pick(urls))));

    // Open all the while: a writer of something else; one whose events are on their way as far as they can be; and one
    // that waits at COMMIT, in its deferred foreign key, for the parent that the first holds.
    const event = `insert into commitcast.outbox (org_id, type, data) values ('acme', 'idle', '{}')`;
    const unrelated = await database.connect();
    await database.pool.query('insert into model.parent values (100)');
    await unrelated.query(
      `begin; insert into model.unrelated values ('open'); select from model.parent where id = 100 for update`,
    );
    const idle = await database.connect();
    await idle.query('begin isolation level serializable');
    for (const statement of [event, 'set constraints all immediate', event, 'set constraints all immediate'])
      await idle.query(statement);
    const waiting = await database.connect();
    await waiting.query(`begin; ${event}; insert into model.child values (gen_random_uuid(), 100)`);
    const committed = waiting.query('commit');
    await untilBlocked(database, waiting);

    const writers = startWriters({ url: database.url, random: random.fork(), transactions: 3_000 });
    const restless = observers.filter((_, index) => index % 2 === 1);
    const drops = await roam(restless, writers, urls, random.fork());
    const looked = await expectPromisesKept(database.pool, observers, writers);
    console.log(describeRun(writers, looked, { roamed: drops }));
    expectTrapsSprung(writers);

    // Those three are open still. Now they end, and what they have to say comes last.
    const acme = observers.filter(({ org }) => org === 'acme');
    const before = acme.map(({ seen }) => seen.size);
    await unrelated.query('rollback');
    await committed;
    await idle.query('commit');
    for (const [index, { name, seen }] of acme.entries()) {
      await until(() => seen.size === (before[index] ?? 0) + 3, {
        message: `${name} to have the last three`,
      });
    }
  },
);
