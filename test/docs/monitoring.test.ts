import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MetricDeclaration } from '../../src/http/metrics-declaration.ts';
import { metrics } from '../../src/http/metrics-declared.ts';
import { databaseMetrics } from '../../src/http/metrics-declared-database.ts';
import { gatewayMetrics } from '../../src/http/metrics-declared-gateway.ts';
import { relayMetrics } from '../../src/http/metrics-declared-relay.ts';
import { scrapeText } from '../http/metrics-scrape.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';

const read = (name: string) =>
  readFileSync(new URL(`../../docs/monitoring/${name}`, import.meta.url), 'utf8');
const page = read('README.md');
const rules = read('alerts.yml');
const dashboard = JSON.parse(read('dashboard.json')) as {
  panels: { title: string; type: string; targets?: { expr: string }[] }[];
  __inputs: { name: string }[];
};

const groups: [title: string, metrics: Record<string, MetricDeclaration>][] = [
  ['What is delivered, and to whom', gatewayMetrics],
  ['The relay, and the way to other instances', relayMetrics],
  ['The log and its consumers', databaseMetrics],
];

function tableOf([title, declared]: (typeof groups)[number]): string {
  const rows = Object.entries(declared).map(([name, { type, labels = [], help }]) => {
    const text = help.replace(/^[a-z]/, (letter) => letter.toUpperCase());
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${text} |`;
  });
  return [`### ${title}`, '', '| metric | type | labels | meaning |', '| - | - | - | - |', ...rows].join(
    '\n',
  );
}

/** However a formatter has laid it out. */
const plain = (markdown: string) =>
  markdown
    .trim()
    .replaceAll(/ +/g, ' ')
    .replaceAll(/\| -+ (?=\|)/g, '| - ');

/** Names of series in a query, or a text, as metrics: without what histograms add. */
function namesIn(text: string): string[] {
  const found = text.match(/\bcommitcast_[a-z_]+/g) ?? [];
  return found.map((name) => (name in metrics ? name : name.replace(/_(?:bucket|sum|count)$/, '')));
}

const expressions = [...rules.matchAll(/^ +expr: (.*)$/gm)].map(([, expr = '']) => expr);
const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name);
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Closed brackets in order, as PromQL needs them. */
function isBalanced(expression: string): boolean {
  const open: string[] = [];
  for (const character of expression.replaceAll(/"[^"]*"/g, '')) {
    if ('([{'.includes(character)) open.push(character);
    else if (')]}'.includes(character) && open.pop() !== '([{'[')]}'.indexOf(character)]) return false;
  }
  return open.length === 0;
}

it('every metric that rules, panels and the page name is one of a running server', async () => {
  const { url } = await startServer(await createDatabase());
  const served = new Set(
    [...(await scrapeText(url)).matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name),
  );
  const unknown = [...expressions, ...queries, page].flatMap((text) =>
    namesIn(text).filter((name) => !served.has(name)),
  );
  expect(unknown).toEqual([]);
  // The page has all of them.
  const onPage = new Set(namesIn(page));
  expect([...served].filter((name) => !onPage.has(name))).toEqual([]);
});

it('the tables of the page say what the declarations say', () => {
  const tables = /<!-- metrics -->(.*)<!-- \/metrics -->/s.exec(page)?.[1] ?? '';
  expect(plain(tables)).toBe(plain(groups.map(tableOf).join('\n\n')));
  expect(groups.flatMap(([, declared]) => Object.keys(declared)).toSorted()).toEqual(
    Object.keys(metrics).toSorted(),
  );
});

describe('the alert rules', () => {
  it('each have an expression of commitcast, a severity and a summary', () => {
    expect(alerts.length).toBeGreaterThan(10);
    expect(new Set(alerts).size).toBe(alerts.length);
    for (const part of [
      /^ +expr: .*(?:commitcast_|job="commitcast")/gm,
      /^ +labels: \{ severity: (?:critical|warning) \}$/gm,
      /^ +summary: '.*'$/gm,
    ])
      expect(rules.match(part)).toHaveLength(alerts.length);
  });

  it('each lead to an entry of the runbook that says what it means, what to look at and what to do', () => {
    const entries = new Map(
      (page.split('## Runbook')[1] ?? '')
        .split(/^### /m)
        .slice(1)
        .map((entry) => [entry.slice(0, entry.indexOf('\n')), entry]),
    );
    expect([...entries.keys()]).toEqual(alerts);
    for (const entry of entries.values())
      expect(entry).toMatch(/^\*\*Means\*\*.*^\*\*Look at\*\*.*^\*\*Do\*\*/ms);
    const links = [...rules.matchAll(/^ +runbook_url: (.*)$/gm)].map(([, link]) => link);
    expect(links).toEqual(alerts.map((name) => `docs/monitoring/README.md#${name.toLowerCase()}`));
  });

  it('use only labels that their metrics have', () => {
    for (const rule of rules.split(/^ +- alert: /m).slice(1)) {
      const [, expr = ''] = /^ +expr: (.*)$/m.exec(rule) ?? [];
      const declared = namesIn(expr).flatMap(
        (name) => (metrics as Record<string, MetricDeclaration>)[name]?.labels ?? [],
      );
      const used = [...rule.matchAll(/\$labels\.(\w+)|(\w+)="/g)].map(
        ([, shown, matched]) => shown ?? matched,
      );
      const known = new Set<string | undefined>([...declared, 'instance', 'job']);
      expect(used.filter((label) => !known.has(label))).toEqual([]);
    }
  });
});

it('every query has its brackets, and every panel of the dashboard a query over the data source that is asked for', () => {
  for (const query of [...expressions, ...queries]) expect([query, isBalanced(query)]).toEqual([query, true]);
  for (const { title, targets = [] } of panels) expect([title, targets.length > 0]).toEqual([title, true]);
  const [input] = dashboard.__inputs;
  const sources = [...read('dashboard.json').matchAll(/"uid": "\$\{(\w+)\}"/g)].map(([, name]) => name);
  expect(sources.length).toBe(panels.length);
  expect(new Set(sources)).toEqual(new Set([input?.name]));
});

it('the dashboard shows what the alerts are about', () => {
  const shown = new Set(queries.flatMap(namesIn));
  const missing = expressions.flatMap(namesIn).filter((name) => !shown.has(name));
  expect(missing).toEqual([]);
});
