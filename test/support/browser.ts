import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { afterAll } from 'vitest';
import { findTool } from './tools.ts';

// Without the background flags Chromium looks for hosts of its own; a test's browser speaks to the test's server only.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const browsers: Browser[] = [];

afterAll(async () => {
  await Promise.all(browsers.splice(0).map((browser) => browser.close()));
});

/** Headless Chromium with an empty profile, closed when the test file is done. Use it inside `describeWithTool('chromium', …)`. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findTool('chromium');
  if (executablePath === undefined) throw new Error('Chromium is not installed: see test/support/tools.ts');
  const browser = await chromium.launch({ executablePath, args, headless: true });
  browsers.push(browser);
  return browser;
}
