import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';

// A commit calls it every 1,024 positions: what it raises is an error of the commit.
it('P5: making partitions is left to the next caller while somebody holds one, whatever version of Postgres', async () => {
  const database = await createDatabase();
  const owner = await database.connect();
  await owner.query('begin; lock table commitcast.log_1 in access exclusive mode');
  await database.pool.query(`select setval('commitcast.position', 300000)`);
  const make = async () =>
    (await database.pool.query<{ made: number }>('select commitcast.make_partitions() as made')).rows[0];
  expect(await make()).toEqual({ made: 0 });
  await owner.query('commit');
  expect((await make())?.made).toBeGreaterThan(0);
});
