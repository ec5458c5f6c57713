import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { consoleRoutes } from '../../src/http/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.ts';

/** A server with the console, and nobody offered to sign in as. */
export function startOperated(database: TestDatabase, options: TestServerOptions = {}): Promise<TestServer> {
  return startServer(database, { ...options, setUp: (app) => consoleRoutes(app, {}) });
}

export interface OperatorView {
  readonly page: Page;
  /** What the browser complained of: scripts that failed, what the Content-Security-Policy refused. */
  readonly complaints: string[];
  /** Resolves when the sentence at the top is so. */
  says(text: string | RegExp): Promise<void>;
  panel(testId: string): Locator;
  /** As when another tab is in front, or this one again. */
  show(state: 'visible' | 'hidden'): Promise<void>;
}

/** The operator's page in a browser profile of its own. */
export async function openOperator(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OperatorView> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(`${url}/#/operator`);
  return {
    page,
    complaints,
    says: (text) => page.getByTestId('health-headline').filter({ hasText: text }).waitFor(),
    panel: (testId) => page.getByTestId(testId),
    show: (state) =>
      page.evaluate(
        `Object.defineProperty(document, 'visibilityState', { configurable: true, value: '${state}' });
         document.dispatchEvent(new Event('visibilitychange'))`,
      ),
  };
}
