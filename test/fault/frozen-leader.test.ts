import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServerProcess } from '../support/model-server.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const leads = ({ app }: Awaited<ReturnType<typeof startServer>>) => app.commitcast.relay()?.leading === true;

it('P3, P5: while the leader is frozen others deliver; when it is back, late, nothing is doubled or out of order', async () => {
  const database = await createDatabase();
  const frozen = await startServerProcess(database.url);
  await until(
    async () => (await database.pool.query(`select from commitcast.relay where leader is not null`)).rowCount,
  );
  const other = await startServer(database, { adapter: 'postgres' });
  expect(leads(other)).toBe(false);
  const here = await connectClient(other.url);
  const there = await connectClient(`http://127.0.0.1:${frozen.port}`);
  await Promise.all([here.live(), there.live()]);

  let appended = 0;
  const more = async () => {
    await append(database.pool, { org: 'acme', type: 'x', data: { n: ++appended } });
    return appended;
  };
  for (let n = 0; n < 20; n += 1) await more();
  await until(() => here.events.length === 20 && there.events.length === 20);

  frozen.freeze();
  const began = performance.now();
  const first = await more();
  await until(() => here.events.length >= first);
  const seen = performance.now() - began;
  await until(() => leads(other));
  const led = performance.now() - began;
  console.log(
    `a frozen leader: next event after ${Math.round(seen)} ms, stood in for after ${Math.round(led)} ms`,
  );
  for (let n = 0; n < 50; n += 1) {
    const last = await more();
    await until(() => here.events.length === last);
  }

  frozen.thaw();
  await until(() => !leads(other));
  for (let n = 0; n < 20; n += 1) await more();
  // Its client was told nothing for some seconds; it may have come anew, and gets all that it missed.
  const numbers = Array.from({ length: appended }, (_, n) => n + 1);
  for (const client of [here, there]) {
    await until(() => client.events.length === appended);
    expect(client.events.map(({ data }) => (data as { n: number }).n)).toEqual(numbers);
    expect(client.resets).toEqual([]);
  }
});
