import type { BrowserContext, CDPSession } from 'playwright-core';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { describeWithTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { launchWithoutFocus } from './launch.ts';
import { proxyTo, socketsOf, startSite } from './site.ts';
import { expectExactly, note, openTab, timeToLive } from './tab.ts';
import { committed, keepWriting } from './writers.ts';

interface Sleep {
  readonly name: string;
  fallAsleep(devTools: CDPSession): Promise<void>;
  wakeUp(devTools: CDPSession): Promise<unknown>;
}

const freeze = async (devTools: CDPSession) => {
  await devTools.send('Emulation.setFocusEmulationEnabled', { enabled: false });
  await devTools.send('Page.setWebLifecycleState', { state: 'frozen' });
};

const frozen: Sleep = {
  name: 'frozen, then shown',
  fallAsleep: freeze,
  wakeUp: async (devTools) => {
    await devTools.send('Page.setWebLifecycleState', { state: 'active' });
    await devTools.send('Emulation.setFocusEmulationEnabled', { enabled: true });
  },
};

const hidden: Sleep = {
  name: 'frozen, then thawed in the background',
  fallAsleep: freeze,
  wakeUp: (devTools) => devTools.send('Page.setWebLifecycleState', { state: 'active' }),
};

const halted: Sleep = {
  name: 'halted in the middle of its work',
  fallAsleep: async (devTools) => {
    await devTools.send('Debugger.enable');
    const paused = new Promise((resolve) => devTools.once('Debugger.paused', resolve));
    await devTools.send('Debugger.pause');
    await paused;
  },
  // Without an answer: the page first does what it has missed.
  wakeUp: (devTools) => devTools.send('Debugger.disable'),
};

describeWithTool('chromium', 'a page that sleeps until the server has given it up', () => {
  let browser: BrowserContext;
  beforeAll(async () => {
    browser = await launchWithoutFocus();
  });

  it.each([
    { sleep: frozen, network: 'stays', kind: 'live' },
    { sleep: frozen, network: 'dies unnoticed', kind: 'live' },
    { sleep: frozen, network: 'dies unnoticed', kind: 'react' },
    { sleep: hidden, network: 'dies unnoticed', kind: 'live' },
    { sleep: halted, network: 'stays', kind: 'live' },
    { sleep: halted, network: 'dies unnoticed', kind: 'live' },
  ] as const)('goes on: $kind, $sleep.name, the network $network', async ({ sleep, network, kind }) => {
    const database = await createDatabase();
    const site = await startSite(database, { pingMs: 700 });
    const proxy = await proxyTo(site);
    const tab = await openTab(browser, proxy.url, { kind });
    onTestFinished(() => tab.page.close());
    await tab.live();
    const devTools = await browser.newCDPSession(tab.page);
    const writing = keepWriting(database);
    for (let n = 0; n < 2; n++) {
      await tab.live();
      await tab.grown(10);
      await sleep.fallAsleep(devTools);
      if (network !== 'stays') proxy.blackHole();
      await until(() => socketsOf(site) === 0, { message: 'the server to give the page up' });
      await committed(database, 20);
      const woken = Date.now();
      await sleep.wakeUp(devTools);
      note(`sleep: ${sleep.name}, the network ${network}`, await timeToLive(tab, woken));
    }
    await writing.stop();
    await expectExactly(tab, database);
    expect(await tab.errors()).toEqual([]);
  });
});
