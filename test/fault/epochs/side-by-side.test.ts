import { expect, it } from 'vitest';
import { migrate } from '../../../src/db/migrate.ts';
import { administer, urlOfDatabase } from '../../support/administer.ts';
import { Observer } from '../../support/observers.ts';
import { startPostgresNode } from '../../support/postgres-node.ts';
import type { TestServer } from '../../support/server.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { dumpAndRestore } from './disasters.ts';
import {
  connectObservers,
  epochOf,
  expectComplete,
  readLog,
  resetsOf,
  startInstance,
  untilSeen,
  write,
} from './world.ts';

/** All that one side's instances say to each other is said to the other side's as well, as over one Redis. */
function eavesdrop(from: TestServer, to: TestServer): { heard: number } {
  const counted = { heard: 0 };
  from.app.commitcast.io.on('commitcast:doorbell', (doorbell: unknown) => {
    counted.heard += 1;
    to.app.commitcast.io.serverSideEmit('commitcast:doorbell', doorbell);
  });
  return counted;
}

describeWithTool('pg_basebackup', 'P3: a database and its restored copy, both in use, in one cluster', () => {
  it('no doorbell of the one moves the other; a cursor of the other goes back to what both have, or is unknown', async () => {
    const node = await startPostgresNode();
    await administer(node.url, 'create database original');
    const original = urlOfDatabase(node.url, 'original');
    const copy = urlOfDatabase(node.url, 'copy');
    await migrate({ connectionString: original });
    // The first of each side leads; the second hears it.
    const ofOriginal = [
      await startInstance(original),
      await startInstance(original, { relay: false }),
    ] as const;
    const here = await connectObservers(ofOriginal);
    await untilSeen(here, await write(original, 40));
    await dumpAndRestore(node, 'original', 'copy');
    const end = (await readLog(copy)).at(-1)?.position;
    await write(copy, 30);

    const ofCopy = [await startInstance(copy), await startInstance(copy, { relay: false })] as const;
    const there = await connectObservers(ofCopy);
    const bridges = [eavesdrop(ofOriginal[1], ofCopy[1]), eavesdrop(ofCopy[1], ofOriginal[1])];
    await until(() => bridges.every(({ heard }) => heard > 0));
    // The same positions, other events; and the original is far ahead.
    await untilSeen(here, await write(original, 200));
    await untilSeen(there, await write(copy, 60));
    const heard = bridges.map((bridge) => bridge.heard);
    await until(() => bridges.every((bridge, n) => bridge.heard > (heard[n] ?? 0)));
    await expectComplete(original, here);
    await expectComplete(copy, there);
    for (const each of [...here, ...there]) expect(resetsOf(each), each.name).toEqual([]);

    // Whoever goes over, with what is the cursor there.
    const [epoch, epochThere] = [epochOf(here[0]?.cursor), epochOf(there[0]?.cursor)];
    expect(epoch).not.toBe(epochThere);
    const over = new Observer('over', 'acme', [{ deep: true }]);
    const within = new Observer('within', 'acme', [{ deep: true }]);
    const back = new Observer('back', 'acme', [{ deep: true }]);
    over.cursor = here[0]?.cursor;
    within.cursor = `${epoch}-10`;
    back.cursor = there[0]?.cursor;
    await Promise.all([
      over.connect(ofCopy[0].url),
      within.connect(ofCopy[1].url),
      back.connect(ofOriginal[0].url),
    ]);
    await expectComplete(copy, [over, within]);
    await expectComplete(original, [back]);
    expect(resetsOf(over)).toEqual([{ reason: 'epoch', cursor: `${epochThere}-${end}` }]);
    expect(resetsOf(within)).toEqual([]);
    expect(resetsOf(back)).toMatchObject([{ reason: 'unknown' }]);
  }, 120_000);
});
