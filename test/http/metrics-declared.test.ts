import { expect, it } from 'vitest';
import type { MetricDeclaration } from '../../src/http/metrics-declaration.ts';
import { metrics } from '../../src/http/metrics-declared.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { scrape, scrapeText, seriesOf } from './metrics-scrape.ts';

const declared = new Map<string, MetricDeclaration>(Object.entries(metrics));

it('a running server has every metric that is declared, as it is declared, and no other', async () => {
  const { url } = await startServer(await createDatabase());
  const text = await scrapeText(url);
  const help = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, said]) => [name, said]);
  const types = [...text.matchAll(/^# TYPE (\S+) (.*)$/gm)].map(([, name, type]) => [name, type]);
  expect(Object.fromEntries(help)).toEqual(
    Object.fromEntries([...declared].map(([name, each]) => [name, each.help])),
  );
  expect(Object.fromEntries(types)).toEqual(
    Object.fromEntries([...declared].map(([name, each]) => [name, each.type])),
  );
});

it('every series has the labels that its metric declares, and none of an org or a user', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const consumer = server.app.commitcast.consume({ name: 'copy' }, () => Promise.resolve());
  await scrape(server.url);
  const client = await connectClient(server.url, { subscriptions: [{ unit: 'unit-of-acme' }] });
  await client.live();
  await append(database.pool, { org: 'acme', unit: 'unit-of-acme', type: 'note', data: null });
  await fetch(`${server.url}/v1/events`);
  await until(() => client.events.length === 1);
  const text = await until(async () => {
    const answer = await scrapeText(server.url);
    return /commit_to_write_seconds_count 1/.test(answer) && /consumer_alive.* 1/.test(answer) && answer;
  });
  for (const name of Object.keys(seriesOf(text))) {
    const [, metric = '', labels = ''] = /^([a-z_]+)(?:\{(.*)\})?$/.exec(name) ?? [];
    const declaration = declared.get(metric) ?? declared.get(metric.replace(/_(?:bucket|sum|count)$/, ''));
    const bound = metric.endsWith('_bucket') ? ['le'] : [];
    const names = [...labels.matchAll(/([a-z]+)="[^"]*"/g)].map(([, label]) => label);
    expect([metric, names]).toEqual([metric, [...(declaration?.labels ?? []), ...bound]]);
  }
  expect(text).not.toContain('acme');
  await consumer.stop();
});

it('names follow the conventions of Prometheus: base units, counters end in _total, and nothing else does', () => {
  for (const [name, { type }] of declared) {
    expect(name).toMatch(/^commitcast(?:_[a-z]+)+$/);
    expect(name).not.toMatch(/_(?:ms|milliseconds|minutes|kb|mb|percent)(?:_|$)/);
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
  }
});
