/*
 * The pictures of the README: a demo of its own, a browser, docs/images. It stops by itself.
 *
 * Usage: npm run screenshots -- [--out docs/images]
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Browser, type Page } from 'playwright-core';
import { Releasers } from '../../src/core/service.ts';
import { until } from '../support/until.ts';
import { startPictured, type Pictured } from './pictured-demo.ts';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'docs/images' } } });

const desktop = { width: 1_280, height: 800 };
const phone = { width: 390, height: 844 };
const maxBytes = 250_000;
const cutSeconds = 5;

const releasers = new Releasers();
try {
  await mkdir(values.out, { recursive: true });
  await takeAll();
} finally {
  await releasers.release();
}

async function takeAll(): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'commitcast-screenshots-'));
  releasers.add(() => rm(scratch, { recursive: true, force: true }));
  const demo = await startPictured(scratch, releasers);
  const browser = await launch();
  releasers.add(() => browser.close());

  const page = await open(browser, demo.url, desktop);
  await goOn(demo, 60);
  await cut(page);
  await goOn(demo, 90);
  await take(page, 'console-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await take(page, 'console-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.getByTestId('tab-units').click();
  await page.locator('[data-testid="units-status"][data-status="active"]').waitFor();
  await goOn(demo, 30);
  await page.locator('[data-alarm-of]').first().waitFor();
  await take(page, 'units');
  await page.getByTestId('tab-operator').click();
  await goOn(demo, 60);
  await take(page, 'operator');

  const small = await open(browser, demo.url, phone);
  await goOn(demo, 40);
  await take(small, 'console-phone');
  await small.getByTestId('tab-units').click();
  await small.locator('[data-testid="units-status"][data-status="active"]').waitFor();
  await goOn(demo, 20);
  await take(small, 'units-phone');
}

async function launch(): Promise<Browser> {
  const executablePath = [
    process.env['CHROME_PATH'] ?? '',
    '/usr/bin/chromium',
    '/usr/bin/google-chrome',
  ].find(existsSync);
  if (executablePath === undefined) throw new Error('Chromium is not installed. Name it in CHROME_PATH.');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'], headless: true });
}

async function open(browser: Browser, url: string, viewport: typeof desktop): Promise<Page> {
  const context = await browser.newContext({
    viewport,
    deviceScaleFactor: 1.5,
    colorScheme: 'light',
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  await page.goto(url);
  await isIn(page, 'live');
  return page;
}

/** What is missed meanwhile is replayed: the timeline tells. */
async function cut(page: Page): Promise<void> {
  await page.getByTestId('cut').click();
  await page.getByTestId(`cut-${cutSeconds}`).click();
  await isIn(page, 'offline');
  await isIn(page, 'live');
}

function isIn(page: Page, state: 'live' | 'offline'): Promise<void> {
  return page.locator(`[data-testid="connection-state"][data-state="${state}"]`).waitFor();
}

/** Waits for so many events more. */
async function goOn(demo: Pictured, events: number): Promise<void> {
  const before = await demo.head();
  await until(async () => (await demo.head()) >= before + events, { message: 'the demo to write' });
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(values.out, `${name}.png`);
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
  let { size } = await stat(path);
  if (size > maxBytes) {
    await page.screenshot({ path, scale: 'css' });
    ({ size } = await stat(path));
  }
  console.log(`${path}: ${Math.round(size / 1_000)} kB`);
}
