import type { Client } from 'pg';
import { expect, inject, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { firstVersion, migrations, publishesAt } from '../upgrade/old-database.ts';
import { upgradeUnderWriters } from '../upgrade/upgrade.ts';

const random = createRandom(chooseSeed('upgrade'));
const olderThanNewest = migrations.slice(0, -1).map(({ tag }, from) => ({ tag, from }));

it.for(olderThanNewest)(
  'P1, P2, P5: from schema $tag to the newest while writers run: no transaction fails; nothing is lost, doubled or out of order',
  async ({ from }) => {
    const upgraded = await upgradeUnderWriters({
      serverUrl: inject('postgres').url,
      from,
      past: 300,
      random: random.fork(),
    });
    expect(upgraded.problems).toEqual([]);
    expect(upgraded.looked.past).toBe(publishesAt(from) ? 300 : 0);
    expect(upgraded.looked.facts).toBeGreaterThanOrEqual(upgraded.transactions);
    expect(upgraded.transactions).toBeGreaterThan(50);
  },
);

it('P1, P2, P5: the first version with 100,000 events in its log is brought up to date in the same way', async () => {
  const { problems, looked } = await upgradeUnderWriters({
    serverUrl: inject('postgres').url,
    from: firstVersion,
    past: 100_000,
    random: random.fork(),
  });
  expect(problems).toEqual([]);
  expect(looked.past).toBe(100_000);
}, 180_000);

/** What a migration must not do, each done by one that is wrong: the judge would not be worth much without. */
it.for([
  ['loses an event', 'delete from commitcast.log where position = 7', '299 are left'],
  [
    'alters one',
    `update commitcast.log set data = '{}' where position = 7`,
    'what was logged before is not what it was',
  ],
  [
    'loses one that the writers said',
    `delete from commitcast.log where position = (select max(position) from commitcast.log where type = 'changed')`,
    'missed',
  ],
  [
    'changes the order',
    `with two as (
       select position, id, lead(position) over (order by position) as next, lead(id) over (order by position) as next_id
       from commitcast.log where type = 'changed' and org_id = 'acme' and position > 300 order by position limit 1
     )
     update commitcast.log l set id = case l.position when two.position then two.next_id else two.id end
     from two where l.position in (two.position, two.next)`,
    'altered|inverted',
  ],
  [
    'leaves a hole in a stream',
    `update commitcast.log set version = version + 1 where type = 'changed' and stream = 'row-1'`,
    'have holes',
  ],
] as const)('the judge finds a migration that %s', async ([, wrong, finding]) => {
  const { problems } = await upgradeUnderWriters({
    serverUrl: inject('postgres').url,
    from: migrations.length - 2,
    past: 300,
    random: random.fork(),
    bringUp: async (connectionString, client) => {
      await migrate({ connectionString });
      await unguarded(client, wrong);
    },
  });
  expect(problems.join('\n')).toMatch(new RegExp(finding));
});

it('a transaction that fails while the migration runs fails the whole', async () => {
  const upgrading = upgradeUnderWriters({
    serverUrl: inject('postgres').url,
    from: firstVersion,
    past: 300,
    random: random.fork(),
    bringUp: async (connectionString, client) => {
      await migrate({ connectionString });
      await client.query('alter table upgrade.fact rename to gone');
    },
  });
  await expect(upgrading).rejects.toThrow('A transaction of writer');
});

/** As the owner, whom nothing stops. */
async function unguarded(client: Client, statement: string): Promise<void> {
  await client.query('begin');
  await client.query('alter table commitcast.log disable trigger user');
  const { rows } = await client.query<{ name: string }>('select name from commitcast.partition');
  for (const { name } of rows) await client.query(`alter table commitcast.${name} disable trigger user`);
  const { rowCount } = await client.query(statement);
  if (!rowCount) throw new Error('The wrong migration has changed nothing');
  await client.query('commit');
}
