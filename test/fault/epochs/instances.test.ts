import { expect, it } from 'vitest';
import { openFront } from '../../support/front.ts';
import { Observer } from '../../support/observers.ts';
import { describeWithTool } from '../../support/tools.ts';
import { failover, restoreByDump, restoreByTemplate, rollback } from './disasters.ts';
import {
  epochOf,
  expectComplete,
  readLog,
  resetsOf,
  startInstance,
  untilLeft,
  untilSeen,
  write,
} from './world.ts';

const timeoutMs = 120_000;
const observer = (name: string) => new Observer(name, 'acme', [{ deep: true }]);
const lastPosition = async (url: string) => (await readLog(url)).at(-1)?.position ?? 0;

describeWithTool(
  'pg_basebackup',
  'P3: each instance judges a new history by how far it has come itself:',
  () => {
    it(
      'one that was behind when events were lost goes on without a reset, beside one that has delivered them',
      async () => {
        const disaster = await failover();
        const way = await openFront(disaster.url);
        const [ahead, behind] = [await startInstance(disaster.url), await startInstance(way.url)];
        const seer = await observer('seer').connect(ahead.url);
        const lagging = await observer('lagging').connect(behind.url);
        const epoch = epochOf(seer.cursor);
        await untilSeen([seer, lagging], await write(disaster.url, 10));
        way.refuse();
        await untilSeen([seer], await write(disaster.url, 30));
        await disaster.keep();
        const end = await lastPosition(disaster.writerUrl);
        await untilSeen([seer], await write(disaster.url, 100));

        await disaster.strike();
        await write(disaster.writerUrl, 150);
        await disaster.recover();
        way.switchTo(disaster.url);
        const newEpoch = await untilLeft(epoch, [ahead, behind]);
        await expectComplete(disaster.writerUrl, [seer, lagging]);
        expect(resetsOf(seer)).toEqual([{ reason: 'epoch', cursor: `${newEpoch}-${end}` }]);
        expect(resetsOf(lagging)).toEqual([]);
        expect(epochOf(lagging.cursor)).toBe(newEpoch);
      },
      timeoutMs,
    );

    it.each(Object.entries({ failover, rollback, restoreByDump, restoreByTemplate }))(
      'one that starts after it (%s) sends a cursor from the future back to the end, and no other',
      async (_name, start) => {
        const disaster = await start();
        const before = await startInstance(disaster.url);
        const [within, beyond] = [observer('within'), observer('beyond')];
        await Promise.all([within, beyond].map((each) => each.connect(before.url)));
        await untilSeen([within, beyond], await write(disaster.url, 40));
        within.leave();
        await disaster.keep();
        const end = await lastPosition(disaster.writerUrl);
        await untilSeen([beyond], await write(disaster.url, 100));
        beyond.leave();
        await before.close();
        await disaster.strike();
        await write(disaster.writerUrl, 150);
        await disaster.recover();

        const instances = [await startInstance(disaster.url), await startInstance(disaster.url)] as const;
        await within.connect(instances[0].url);
        await beyond.connect(instances[1].url);
        const far = observer('far beyond');
        far.cursor = `${epochOf(within.cursor)}-9007199254740991`;
        await far.connect(instances[1].url);
        await expectComplete(disaster.writerUrl, [within, beyond, far]);
        expect(resetsOf(within)).toEqual([]);
        expect(resetsOf(beyond)).toEqual([{ reason: 'epoch', cursor: `${epochOf(within.cursor)}-${end}` }]);
        expect(resetsOf(far)).toMatchObject([{ reason: 'epoch' }]);
      },
      timeoutMs,
    );

    it(
      'one loss after another: a cursor of the first epoch goes back to the least end that came after it',
      async () => {
        const disaster = await rollback();
        const instances = [await startInstance(disaster.url), await startInstance(disaster.url)] as const;
        const live = await observer('live').connect(instances[0].url);
        const gone = await observer('gone').connect(instances[1].url);
        const first = epochOf(live.cursor);
        await untilSeen([live, gone], await write(disaster.url, 20));
        await disaster.keep();
        const end = await lastPosition(disaster.writerUrl);
        await untilSeen([live, gone], await write(disaster.url, 30));
        gone.leave();
        await disaster.strike();
        await write(disaster.writerUrl, 10);
        await disaster.recover();
        const second = await untilLeft(first, instances);
        await untilSeen([live], await write(disaster.url, 10));

        // The second time nothing is lost, and the end is far beyond that of the first.
        await disaster.keep();
        await disaster.strike();
        await write(disaster.writerUrl, 40);
        await disaster.recover();
        const third = await untilLeft(second, instances);
        await gone.connect(instances[0].url);
        await expectComplete(disaster.writerUrl, [live, gone]);
        expect(resetsOf(live)).toEqual([{ reason: 'epoch', cursor: `${second}-${end}` }]);
        expect(resetsOf(gone)).toEqual([{ reason: 'epoch', cursor: `${third}-${end}` }]);
      },
      timeoutMs,
    );
  },
);
