import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { requestRebuild } from '../../src/consumer/operate.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { caughtUp, count, org, startDemo, type DemoServer } from '../demo/demo-server.ts';
import { foldLog, type TrueUnit } from '../demo/truth.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { openUnits, type UnitsView } from './units-page.ts';

type Fields = Omit<TrueUnit, 'position' | 'series'> & { series: readonly number[] };

const fieldsOf = ({
  id,
  name,
  temperature,
  number,
  readAt,
  series,
  alarmSince,
  alarms,
  doorOpen,
}: Fields) => ({
  id,
  name,
  temperature,
  number,
  readAt,
  series,
  alarmSince,
  alarms,
  doorOpen,
});

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
  const showsTruth = async (view: UnitsView, demo: DemoServer, complaints: unknown = []) => {
    await demo.stopWriting();
    await caughtUp(database);
    const truth = await foldLog(database, org);
    const { units } = await demo.units();
    expect(units).toMatchObject(truth);
    const wanted = truth.map(fieldsOf);
    const shown = async () =>
      (await view.units()).map(fieldsOf).sort((one, other) => (one.id < other.id ? -1 : 1));
    await until(async () => JSON.stringify(await shown()) === JSON.stringify(wanted)).catch(async () => {
      expect(await shown()).toEqual(wanted);
    });
    const alarms = await view.page.evaluate<string[]>(
      `[...document.querySelectorAll('[data-alarm-of]')].map((item) => item.dataset.alarmOf).sort()`,
    );
    expect(alarms).toEqual(wanted.filter(({ alarmSince }) => alarmSince !== null).map(({ id }) => id));
    for (const { id, temperature } of wanted)
      expect(await view.page.locator(`[data-unit="${id}"] strong`).innerText()).toBe(
        temperature === null ? '–' : `${temperature.toFixed(1)}°`,
      );
    expect(await view.text('missed')).toBe('0 missed');
    expect(await view.text('twice')).toBe('0 twice');
    await view.page.getByTestId('tab-stream').click();
    for (const counter of ['missing', 'twice', 'disordered']) expect(await view.counter(counter)).toBe('0');
    expect(view.complaints).toEqual(complaints);
  };

  const start = async (eventsPerSecond = 40) => {
    const demo = await startDemo(database, { eventsPerSecond });
    await until(async () => (await count(database)) > 60);
    const view = await openUnits(browser, demo.url);
    await view.reached('live');
    await view.follows();
    return { demo, view };
  };

  const goesOn = async () => {
    const before = await count(database);
    await until(async () => (await count(database)) > before + 20);
  };

  const pause = (paused: boolean) =>
    database.pool.query(`update commitcast.consumer set paused = $1 where name = 'demo-units'`, [paused]);

  it('are loaded by HTTP and followed by the socket: no hole, no overlap, also after a cut and reloads', async () => {
    const { demo, view } = await start();
    await view.page.locator('[data-unit="reefer-17"] strong', { hasText: '°' }).waitFor();
    await view.cut();
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

  it('never go back: a tab that comes back has what it has seen, and goes on, while the read model stands still', async () => {
    const { demo, view } = await start();
    await pause(true);
    const held = async () => (await demo.units()).position;
    await until(async () => (await view.position()) > (await held()) + 10);
    const before = await view.units();
    await view.page.reload();
    const numberOf = async (id: string) => {
      const text = await view.page.locator(`[data-unit="${id}"] [data-testid="reading"]`).innerText();
      return Number(/^no\. (\d+)/.exec(text)?.[1] ?? 0);
    };
    const isAhead = async () => {
      for (const { id, number } of before) expect(await numberOf(id)).toBeGreaterThanOrEqual(number ?? 0);
    };
    await view.page.locator('[data-unit]').first().waitFor();
    await isAhead();
    await view.follows();
    await isAhead();
    const seen = await view.position();
    await until(async () => (await view.position()) > seen + 10);
    expect(await held()).toBeLessThan(seen);
    await pause(false);
    await showsTruth(view, demo);
  });

  it('are loaded anew when the page is told to start anew', async () => {
    const { demo, view } = await start();
    await openEpoch(database.pool, { force: true });
    // A cursor that was never given in this history.
    await view.page.evaluate(
      `(() => {
         const forge = (key, change) => {
           const saved = JSON.parse(sessionStorage.getItem(key));
           change(saved);
           sessionStorage.setItem(key, JSON.stringify(saved));
         };
         addEventListener('pagehide', () => {
           forge('commitcast:ledger:${org}', (ledger) => {
             ledger.progress = JSON.stringify({ cursor: 'aaaaaaaa-5' });
           });
           forge('commitcast:units:${org}', (units) => {
             units.cursor = 'aaaaaaaa-5';
             for (const unit of units.state.units) unit.alarms += 100;
           });
         });
       })()`,
    );
    await view.page.reload();
    await view.reached('live');
    await view.follows();
    await goesOn();
    await showsTruth(view, demo);
  });

  it('have no hole after one unit was followed alone, and then all again', async () => {
    const { demo, view } = await start();
    const { page } = view;
    const lookAtUnits = async () => {
      await page.getByTestId('tab-units').click();
      await view.follows();
      await goesOn();
      await page.getByTestId('tab-stream').click();
    };
    await page.getByTestId('tab-stream').click();
    for (let times = 0; times < 2; times++) {
      await goesOn();
      await page.getByTestId('place-truck-7').click();
      await page.getByTestId('follow').click();
      await page.getByTestId('followed').waitFor();
      await lookAtUnits();
      await page.getByTestId('follow-all').click();
      await lookAtUnits();
    }
    await page.getByTestId('tab-units').click();
    await view.follows();
    await showsTruth(view, demo);
  });

  it('go on live while the read model is rebuilt, and tell how far it is', async () => {
    const { demo, view } = await start(100);
    await until(async () => (await count(database)) > 700);
    await requestRebuild(database.pool, 'demo-units');
    // A rebuild of so few events is over at once: it is held where it begins.
    await until(async () => (await demo.units()).position === 0 && (await pause(true)));
    await view.page.getByTestId('rebuild').getByText('goes on live').waitFor();
    const seen = await view.position();
    await until(async () => (await view.position()) > seen + 20);
    await pause(false);
    await view.page.getByTestId('rebuild').waitFor({ state: 'hidden' });
    await showsTruth(view, demo);
  });

  it('lose nothing when the server restarts', async () => {
    const { demo, view } = await start();
    const { port } = new URL(demo.url);
    await demo.stopWriting();
    await demo.close();
    await view.reached('offline');
    const again = await startDemo(database, { eventsPerSecond: 40, port: Number(port) });
    await goesOn();
    await view.reached('live');
    await showsTruth(view, again, expect.anything());
  });
});
