import { createServer, type AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll } from 'vitest';
import { findTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';

const browsers: Browser[] = [];

afterAll(async () => {
  await Promise.all(browsers.splice(0).map((browser) => browser.close()));
});

const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];

async function launch(options: { args?: string[]; ignoreDefaultArgs?: string[] }): Promise<Browser> {
  const browser = await chromium.launch({
    ...options,
    executablePath: findTool('chromium') ?? '',
    args: [...args, ...(options.args ?? [])],
  });
  browsers.push(browser);
  return browser;
}

/** Chromium with its back/forward cache, which Playwright turns off. */
export function launchWithBackForwardCache(): Promise<Browser> {
  return launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
}

/**
 * Chromium with pages that may be hidden, and so frozen: Playwright gives all others the focus, and DevTools then does
 * nothing when it is asked to freeze one.
 */
export async function launchWithoutFocus(): Promise<BrowserContext> {
  const port = await freePort();
  await launch({ args: [`--remote-debugging-port=${port}`] });
  const browser = await until(() =>
    chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true }),
  );
  const [context] = browser.contexts();
  if (!context) throw new Error('Chromium has no profile');
  return context;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
