import { expect, it } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { Observer } from '../../support/observers.ts';
import {
  connectObservers,
  epochOf,
  expectComplete,
  resetsOf,
  startInstance,
  untilLeft,
  untilSeen,
  write,
} from './world.ts';

const force = 'select commitcast.open_epoch(true)';

it('P3: an epoch that is opened by force, when nothing is lost, disturbs nobody: live, away or catching up', async () => {
  const { url, pool } = await createDatabase();
  const instances = [await startInstance(url), await startInstance(url)] as const;
  const live = await connectObservers(instances);
  const away = await new Observer('away', 'acme', [{ deep: true }]).connect(instances[0].url);
  const epoch = epochOf(away.cursor);
  await untilSeen([...live, away], await write(url, 30));
  away.leave();
  await write(url, 30);
  await pool.query(force);
  await untilSeen(live, await write(url, 30));
  const newEpoch = await untilLeft(epoch, instances);
  await away.connect(instances[1].url);
  const all = [...live, away];
  await expectComplete(url, all);
  for (const { name, cursor } of all) expect(epochOf(cursor), name).toBe(newEpoch);
  for (const each of all) expect(resetsOf(each), each.name).toEqual([]);
});

it('P3: it reaches instances that nobody rings and where nothing happens', async () => {
  const { url, pool } = await createDatabase();
  const instances = [await startInstance(url), await startInstance(url, { relay: false })] as const;
  const live = await connectObservers(instances);
  const epoch = epochOf(live[0]?.cursor);
  await pool.query(force);
  await untilLeft(epoch, instances);
  for (const each of live) expect(resetsOf(each), each.name).toEqual([]);
});

it('P3: several in a row, each with events of its own: everything once, in order, and no reset', async () => {
  const { url, pool } = await createDatabase();
  const instances = [await startInstance(url), await startInstance(url)] as const;
  const live = await connectObservers(instances);
  const away = await new Observer('away', 'acme', [{ deep: true }]).connect(instances[0].url);
  const start = epochOf(away.cursor);
  away.leave();
  for (let round = 0; round < 3; round++) {
    await untilSeen(live, await write(url, 12));
    await pool.query(force);
  }
  await untilLeft(start, instances);
  await away.connect(instances[1].url);
  await expectComplete(url, [...live, away]);
  for (const each of [...live, away]) expect(resetsOf(each), each.name).toEqual([]);
});
