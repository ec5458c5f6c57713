import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, expect, onTestFinished } from 'vitest';
import type { ConnectionState, Subscription } from '../../../src/client/index.ts';
import { readWholeLog } from '../../../src/testing/read-whole-log.ts';
import type { TestDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import type { Entry } from './app/history.ts';
import type { PageOptions } from './app/options.ts';
import type { Seen } from './app/page.ts';
import { shownOf } from './site.ts';

export interface Tab {
  readonly page: Page;
  readonly scope: Subscription;
  history(): Promise<Entry[]>;
  /** Entries of the history. */
  length(): Promise<number>;
  states(): Promise<Seen[]>;
  names(): Promise<ConnectionState['name'][]>;
  errors(): Promise<string[]>;
  /** The connection is live; with React, the list is as well. */
  live(): Promise<void>;
  /** Resolves with the state, once it has that name. */
  reached(name: ConnectionState['name']): Promise<ConnectionState>;
  /** Resolves when so many entries have come since it was asked. */
  grown(by: number): Promise<void>;
  /** The list that React has rendered: positions. */
  rendered(): Promise<number[]>;
}

type Kind = 'live' | 'react';

export const all = { deep: true } satisfies Subscription;

/** A tab with one of the pages, in a window (a profile) of its own unless one is given. */
export async function openTab(
  browser: Browser | BrowserContext,
  url: string,
  { kind = 'live', ...options }: Partial<PageOptions> & { kind?: Kind } = {},
): Promise<Tab> {
  const context = 'newContext' in browser ? await browser.newContext() : browser;
  if (context !== browser) onTestFinished(() => context.close());
  const page = await context.newPage();
  const scope = options.scope ?? all;
  const query = new URLSearchParams({ options: JSON.stringify({ ...options, scope }) });
  await page.goto(new URL(`/${kind}?${query.toString()}`, url).href);
  return tabOf(page, scope, kind);
}

export function tabOf(page: Page, scope: Subscription, kind: Kind = 'live'): Tab {
  const ask = <Answer>(expression: string) => page.evaluate<Answer>(expression);
  const length = () => ask<number>('probe.length()');
  const states = () => ask<Seen[]>('probe.states');
  const reached = async (name: ConnectionState['name']) => {
    const state = await until(
      async () => {
        const last = (await states()).at(-1)?.state;
        return last?.name === name && last;
      },
      { message: `the page to be ${name}` },
    );
    return state;
  };
  return {
    page,
    scope,
    history: () => ask('probe.history()'),
    length,
    states,
    names: async () => (await states()).map(({ state }) => state.name),
    errors: () => ask('probe.errors'),
    reached,
    async live() {
      await reached('live');
      if (kind === 'react') await page.waitForSelector('[data-status="active"]', { state: 'attached' });
    },
    rendered: () => ask(`JSON.parse(document.querySelector('[data-status]').textContent)`),
    grown: async (by) => {
      const before = await length();
      await until(async () => (await length()) >= before + by, { message: `${by} more events` });
    },
  };
}

/**
 * Waits until the last event of the log is in the history, then compares all of it, by position and id: missed, doubled
 * or out of order shows. Of a history with loaded states, what follows the last of them.
 */
export async function expectExactly(
  tab: Tab,
  database: TestDatabase,
  { to = Infinity, timeoutMs = 30_000 } = {},
) {
  const log = shownOf(await readWholeLog(database.pool), tab.scope);
  const wanted = log.filter(({ position }) => position <= to);
  expect(wanted.length).toBeGreaterThan(0);
  const last = wanted.at(-1)?.position;
  const seen = await until(
    async () => {
      const history = await tab.history();
      const at = history.at(-1);
      return at && positionOf(at) >= (last ?? 0) && history;
    },
    { message: `position ${last}`, timeoutMs },
  );
  const loaded = seen.findLastIndex((entry) => 'cursor' in entry);
  const after = positionOf(seen[loaded]);
  expect(seen.slice(loaded + 1)).toEqual(wanted.filter(({ position }) => position > after));
}

function positionOf(entry: Entry | undefined): number {
  if (!entry) return 0;
  return 'position' in entry ? entry.position : Number(entry.cursor.split('-')[1]);
}

/** Milliseconds from `since`, of the wall clock, to the next time that the page was live. */
export async function timeToLive(tab: Tab, since: number): Promise<number> {
  const live = await until(
    async () => (await tab.states()).find(({ state, at }) => state.name === 'live' && at >= since),
    { message: 'the page to be live again' },
  );
  return live.at - since;
}

const times = new Map<string, number[]>();

// Information for whoever reads the run; a machine that is busy is no failure.
afterAll(() => {
  for (const [name, each] of times) {
    const sorted = [...each].sort((a, b) => a - b);
    console.log(`live again after ${name}: median ${sorted[sorted.length >> 1]} ms of ${sorted.join(', ')}`);
  }
});

export function note(name: string, ms: number): void {
  times.set(name, [...(times.get(name) ?? []), Math.round(ms)]);
}
