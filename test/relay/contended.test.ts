import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { createRelay, leading } from '../support/relay.ts';
import { insertEvent } from '../support/transactions.ts';
import { until } from '../support/until.ts';
import { onTestFinished } from 'vitest';

it('P5: while somebody holds the row of the relay, what waits for it does not pile up; then all goes on', async () => {
  const database = await createDatabase();
  const relays = ['one', 'two'].map((id) => createRelay(database, id));
  onTestFinished(async () => {
    await Promise.all(relays.map(({ relay }) => relay.stop()));
  });
  await Promise.all(relays.map(({ relay }) => relay.start()));
  await until(() => relays.some(({ relay }) => relay.status.leading));
  const holder = await database.connect();
  await holder.query('begin; select from commitcast.relay for update');
  const waiting = async () => {
    const { rows } = await database.pool.query<{ names: string[] }>(
      `select array_agg(application_name order by application_name) as names from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%update commitcast.relay%'`,
    );
    return rows[0]?.names ?? [];
  };
  // Two rounds of giving up and trying again: whoever comes anew has taken his former statement with him.
  let rounds = 0;
  let before = '';
  await until(
    async () => {
      const now = await waiting();
      expect(now.length).toBeLessThanOrEqual(2);
      if (now.join() !== before) rounds += 1;
      before = now.join();
      return rounds >= 6;
    },
    { timeoutMs: 55_000, message: 'several attempts' },
  );
  await holder.query('rollback');
  const one = await until(() => relays.find(({ relay }) => relay.status.leading));
  await leading(one);
  await insertEvent(database.pool, 'x');
  await until(() => relays.some(({ rung }) => rung === 1));
});
