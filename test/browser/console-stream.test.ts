import type { Browser } from 'playwright-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { commit, logOf, openPage, showsLog, shown, startConsole, type ConsolePage } from './console-page.ts';

const opened = (unit: string, data: object = {}) => ({
  org: shown,
  site: 'pier',
  unit,
  type: 'door.opened',
  data,
});
const closed = (unit: string) => ({ ...opened(unit), type: 'door.closed' });
const many = (events: number) => Array.from({ length: events }, (_, n) => opened(`truck-${n}`, { n }));

const shows = (view: ConsolePage, positions: number[]) =>
  until(async () => JSON.stringify(await view.positions()) === JSON.stringify(positions), {
    message: `the list to be ${positions.join()}`,
  });

const press = (view: ConsolePage, ...keys: string[]) =>
  keys.reduce((before, key) => before.then(() => view.page.keyboard.press(key)), Promise.resolve());

describeWithTool('chromium', 'the stream of the page', () => {
  let browser: Browser;
  let database: TestDatabase;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    database = await createDatabase();
  });

  const open = async (...events: ReturnType<typeof opened>[]) => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url);
    await view.reached('live');
    await commit(database, ...events);
    await showsLog(view, database);
    return view;
  };

  it('is filtered by place, type and text, each together with the others', async () => {
    const view = await open(
      opened('truck-1', { by: 'kim' }),
      opened('truck-2', { by: 'kim' }),
      closed('truck-1'),
    );
    const [one = 0, two = 0, three = 0] = await logOf(database);
    const { page } = view;
    await page.getByTestId('place-truck-1').click();
    await shows(view, [one, three]);
    await page.getByTestId('type-door.opened').click();
    await shows(view, [one]);
    await commit(database, opened('truck-1'), opened('truck-2'));
    const later = (await logOf(database)).at(-2) ?? 0;
    await shows(view, [one, later]);
    await page.getByTestId('search').fill('KIM');
    await shows(view, [one]);
    await page.getByTestId('place-truck-1').click();
    await shows(view, [one, two]);
    expect(await page.getByTestId('type-door.opened').innerText()).toMatch(/4$/);
    await page.getByTestId('search').fill('nobody');
    await page.getByTestId('empty').getByText('No event fits').waitFor();
    await page.getByTestId('clear').click();
    await showsLog(view, database);
  });

  it('stands still while it is paused, and goes on with all that came', async () => {
    const view = await open(opened('truck-1'));
    const before = await logOf(database);
    await view.page.getByTestId('pause').click();
    await commit(database, opened('truck-2'), opened('truck-3'));
    await view.page.getByTestId('waiting').getByText('2 new events').waitFor();
    expect(await view.positions()).toEqual(before);
    expect(await view.counter('received')).toBe('3');
    await view.page.getByTestId('waiting').click();
    await showsLog(view, database);
  });

  it('stands still while somebody has scrolled', async () => {
    const view = await open(...many(60));
    const before = await logOf(database);
    const topOf = (position: number) =>
      view.page.evaluate<number>(
        `document.querySelector('[data-position="${position}"]').getBoundingClientRect().top`,
      );
    const scrolledTo = before.at(-20) ?? 0;
    await view.page.evaluate(`document.querySelector('[data-testid="rows"]').scrollTo({ top: 400 })`);
    await until(async () => (await topOf(scrolledTo)) < 500);
    await commit(database, opened('truck-late'));
    await view.page.getByTestId('waiting').getByText('1 new event').waitFor();
    expect(await view.positions()).toEqual(before);
    await view.page.getByTestId('waiting').click();
    await showsLog(view, database);
  });

  it('shows all of an event, as text, and gives it and its cursor to the clipboard', async () => {
    const { url } = await startConsole(database);
    const view = await openPage(browser, url, { permissions: ['clipboard-read', 'clipboard-write'] });
    const { page } = view;
    await view.reached('live');
    const data = { html: '<img src=x id="forged" onerror="document.title = 1">', deep: { list: [1, 2] } };
    await commit(database, opened('truck-1', data));
    await showsLog(view, database);
    await page.locator('.row').click();
    expect(JSON.parse(await page.getByTestId('json').innerText())).toEqual(data);
    expect(await page.locator('#forged').count()).toBe(0);
    const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()');
    await page.getByTestId('copy-json').click();
    await page.getByText('JSON copied').waitFor();
    const [position] = await logOf(database);
    expect(JSON.parse(await clipboard())).toMatchObject({ position, org: shown, unit: 'truck-1', data });
    await page.getByTestId('copy-cursor').click();
    await page.getByText('Cursor copied').waitFor();
    expect(await clipboard()).toMatch(new RegExp(`^[a-z2-7]{8}-${position}$`));
    expect(view.complaints).toEqual([]);
  });

  it('is gone through by keyboard: arrows, Enter, Escape', async () => {
    const view = await open(
      opened('truck-1', { n: 1 }),
      opened('truck-2', { n: 2 }),
      opened('truck-3', { n: 3 }),
    );
    const { page } = view;
    const [one = 0, two = 0, three = 0] = await logOf(database);
    const focused = () => page.evaluate<string>('document.activeElement.dataset.position');
    await page.locator(`[data-position="${three}"]`).focus();
    await press(view, 'ArrowDown');
    expect(await focused()).toBe(String(two));
    // What comes now does not move it.
    await commit(database, opened('truck-4'));
    await page.getByTestId('waiting').waitFor();
    await press(view, 'Enter');
    await page.getByTestId('json').getByText('"n": 2').waitFor();
    await press(view, 'ArrowDown');
    await page.getByTestId('json').getByText('"n": 1').waitFor();
    expect(await focused()).toBe(String(one));
    await press(view, 'Home');
    expect(await focused()).toBe(String(three));
    await press(view, 'Escape');
    await page.getByTestId('detail').waitFor({ state: 'detached' });
    await showsLog(view, database);
    // One row at a time is in the order of Tab.
    expect(await page.locator('.row[tabindex="0"]').count()).toBe(1);
  });

  it('is bounded to the newest events, and counts them all', async () => {
    const view = await open();
    await commit(database, ...many(700));
    await until(async () => (await view.counter('received')) === '700');
    const log = await logOf(database);
    await until(async () => (await view.positions()).at(-1) === log.at(-1));
    const positions = await view.positions();
    expect(positions.length).toBeGreaterThanOrEqual(490);
    expect(positions).toEqual(log.slice(-positions.length));
    expect(positions.length).toBeLessThanOrEqual(500);
  });
});
