import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { requestRebuild } from '../../src/consumer/operate.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { caughtUp, count, org, startDemo, type DemoServer } from '../demo/demo-server.ts';
import { foldLog } from '../demo/truth.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { openPage, type ConsolePage } from './console-page.ts';

/** What the page keeps of a unit. */
interface ShownUnit {
  series: number[];
  number?: number;
  alarmSince?: string;
  alarms?: number;
  doorOpen?: boolean;
}

/** The units as the page has saved them, which it does when it is left. */
const unitsOf = async ({ page }: ConsolePage): Promise<Record<string, ShownUnit>> => {
  const saved = await page.evaluate<string>(
    `dispatchEvent(new Event('pagehide')), sessionStorage.getItem('commitcast:ledger:${org}')`,
  );
  return (JSON.parse(saved) as { units: Record<string, ShownUnit> }).units;
};

describeWithTool('chromium', 'the units of the page', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  /** Ends the writers; resolves when the page shows what the read model has, which is the fold of the log. */
  const showsTruth = async (view: ConsolePage, demo: DemoServer) => {
    await demo.stopWriting();
    await caughtUp(database);
    const truth = await foldLog(database, org);
    const { units } = await demo.units();
    expect(units).toMatchObject(truth);
    const wanted = truth.map(({ id, series, number, alarmSince, alarms, doorOpen }) => ({
      id,
      series,
      number: number ?? undefined,
      alarmSince: alarmSince ?? undefined,
      alarms,
      doorOpen,
    }));
    const shown = async () =>
      Object.entries(await unitsOf(view))
        .filter(([id]) => truth.some((unit) => unit.id === id))
        .map(([id, { series, number, alarmSince, alarms, doorOpen }]) => ({
          id,
          series,
          number,
          alarmSince,
          alarms,
          doorOpen: doorOpen ?? false,
        }))
        .sort((one, other) => (one.id < other.id ? -1 : 1));
    await until(async () => JSON.stringify(await shown()) === JSON.stringify(wanted)).catch(async () => {
      expect(await shown()).toEqual(wanted);
    });
    const open = wanted.filter(({ alarmSince }) => alarmSince !== undefined).map(({ id }) => id);
    const alarms = await view.page.evaluate<string[]>(
      `[...document.querySelectorAll('[data-alarm-of]')].map((item) => item.dataset.alarmOf).sort()`,
    );
    expect(alarms).toEqual(open);
    for (const counter of ['missing', 'twice', 'disordered']) expect(await view.counter(counter)).toBe('0');
    expect(view.complaints).toEqual([]);
  };

  const start = async (eventsPerSecond = 40) => {
    const demo = await startDemo(database, { eventsPerSecond });
    await until(async () => (await count(database)) > 60);
    const view = await openPage(browser, demo.url);
    await view.reached('live');
    return { demo, view };
  };

  const goesOn = async () => {
    const before = await count(database);
    await until(async () => (await count(database)) > before + 20);
  };

  it('are loaded by HTTP and followed by the socket: no hole, no overlap, also after a cut and reloads', async () => {
    const { demo, view } = await start();
    // Before the first event of most units has come by the socket.
    await view.page.locator('[data-unit="reefer-17"] strong', { hasText: '°' }).waitFor();
    await view.page.locator('#cut').click();
    await view.reached('offline');
    await goesOn();
    await view.reached('live');
    for (let times = 0; times < 3; times++) {
      await view.page.reload();
      await view.reached('live');
      await goesOn();
    }
    await showsTruth(view, demo);
  });

  it('stay on what was seen while the read model is rebuilt, and agree with it afterwards', async () => {
    const { demo, view } = await start();
    await requestRebuild(database.pool, 'demo-units');
    await view.page.reload();
    await view.reached('live');
    await goesOn();
    await showsTruth(view, demo);
  });

  it('never go back: a tab that comes back waits until the read model has what it has seen', async () => {
    const { demo, view } = await start();
    await database.pool.query(`update commitcast.consumer set paused = true where name = 'demo-units'`);
    const held = async () => (await demo.units()).position;
    const highest = async () => Math.max(...(await view.positions()));
    await until(async () => (await highest()) > (await held()) + 10);
    const before = await unitsOf(view);
    await view.page.reload();
    await view.reached('live');
    for (const [id, { number = 0 }] of Object.entries(await unitsOf(view)))
      expect(number).toBeGreaterThanOrEqual(before[id]?.number ?? 0);
    await database.pool.query(`update commitcast.consumer set paused = false where name = 'demo-units'`);
    await showsTruth(view, demo);
  });

  it('are loaded anew when the page is told to start anew', async () => {
    const { demo, view } = await start();
    await openEpoch(database.pool, { force: true });
    // A cursor that was never given in this history.
    await view.page.evaluate(
      `dispatchEvent(new Event('pagehide')); ((key) => {
         const ledger = JSON.parse(sessionStorage.getItem(key));
         addEventListener('pagehide', () => sessionStorage.setItem(key, JSON.stringify({ ...ledger, cursor: 'aaaaaaaa-5' })));
       })('commitcast:ledger:${org}')`,
    );
    await view.page.reload();
    await view.reached('live');
    await view.page.locator('#rows', { hasText: 'The cursor is of another database' }).waitFor();
    await goesOn();
    await showsTruth(view, demo);
  });

  it('have no hole after one unit was followed alone, and then all again', async () => {
    const { demo, view } = await start();
    for (let times = 0; times < 2; times++) {
      await view.page.locator('[data-unit="truck-7"]').click();
      await view.page.locator('[data-unit="reefer-17"][data-away]').waitFor();
      await goesOn();
      await view.page.locator('.whole').click();
      await view.page.locator('[data-unit="reefer-17"]:not([data-away])').waitFor();
      await goesOn();
    }
    await showsTruth(view, demo);
  });
});
