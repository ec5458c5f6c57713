import type { Browser, BrowserContextOptions } from 'playwright-core';
import type { Unit } from '../../src/console/units/unit.ts';
import { org } from '../demo/demo-server.ts';
import { openPage, type ConsolePage } from './console-page.ts';

export interface UnitsView extends ConsolePage {
  /** The units are loaded, and followed. */
  follows(): Promise<void>;
  /** What the page keeps of its units, which it saves when it is left. */
  units(): Promise<Unit[]>;
  /** Position of what it keeps. */
  position(): Promise<number>;
  text(testId: string): Promise<string>;
}

/** The units in a tab of their own. */
export async function openUnits(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<UnitsView> {
  const view = await openPage(browser, `${url}/#/units`, options);
  const { page } = view;
  const kept = async () => {
    const saved = await page.evaluate<string | null>(
      `dispatchEvent(new Event('pagehide')), sessionStorage.getItem('commitcast:units:${org}')`,
    );
    return JSON.parse(saved ?? '{"state":{"units":[],"position":0}}') as {
      state: { units: Unit[]; position: number };
    };
  };
  return {
    ...view,
    follows: () => page.locator('[data-testid="units-status"][data-status="active"]').waitFor(),
    units: async () => (await kept()).state.units,
    position: async () => (await kept()).state.position,
    text: async (testId) => (await page.getByTestId(testId).innerText()).trim(),
  };
}
