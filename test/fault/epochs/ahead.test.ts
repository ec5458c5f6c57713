import { expect, it } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { Observer } from '../../support/observers.ts';
import { queryOnce, startPostgresNode } from '../../support/postgres-node.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { epochOf, expectComplete, resetsOf, startInstance, untilLeft, untilSeen, write } from './world.ts';

describeWithTool('pg_basebackup', 'P3: an instance that has not heard of the new epoch', () => {
  it('takes a client that has from another instance, and sends it neither a reset nor anything twice', async () => {
    const { url } = await startPostgresNode();
    await migrate({ connectionString: url });
    const here = await startInstance(url);
    const there = await startInstance(url, { relay: false });
    const client = await new Observer('client', 'acme', [{ deep: true }]).connect(here.url);
    const epoch = epochOf(client.cursor);
    await untilSeen([client], await write(url, 10));
    await until(() => there.app.commitcast.cursor() === here.app.commitcast.cursor());

    // The dispatcher there gets no answer for a while; replays have connections of their own.
    const [held] = await queryOnce<{ pid: number }>(
      url,
      `select pid from pg_stat_activity where application_name = 'commitcast-dispatcher'
       order by backend_start desc limit 1`,
    );
    if (!held) throw new Error('the dispatcher has no connection');
    process.kill(held.pid, 'SIGSTOP');
    try {
      await queryOnce(url, 'select commitcast.open_epoch(true)');
      await untilSeen([client], await write(url, 4));
      expect(epochOf(client.cursor)).not.toBe(epoch);
      client.leave();
      const arrived = client.connect(there.url);
      // It has asked what the client's epoch is.
      await until(async () => {
        const rows = await queryOnce(
          url,
          `select from pg_stat_activity
           where application_name = 'commitcast' and state = 'idle' and query like '%previous_end%'`,
        );
        return rows.length > 0;
      });
      expect(epochOf(there.app.commitcast.cursor())).toBe(epoch);
      process.kill(held.pid, 'SIGCONT');
      await arrived;
    } finally {
      process.kill(held.pid, 'SIGCONT');
    }
    await untilLeft(epoch, [here, there]);
    await expectComplete(url, [client]);
    expect(resetsOf(client)).toEqual([]);
  });
});
