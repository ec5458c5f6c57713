import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTool, findTool } from '../support/tools.ts';

const folder = new URL('./monitoring/', import.meta.url).pathname;
const rules = new URL('../../docs/monitoring/alerts.yml', import.meta.url).pathname;
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.yml'))
  .map((name) => join(folder, name));

const alerts = [...readFileSync(rules, 'utf8').matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name);
const tests = files.map((file) => readFileSync(file, 'utf8')).join('\n');

it('each alert has series that it fires on, and is silent where all is well', () => {
  expect(alerts.length).toBeGreaterThan(10);
  const firing = new Set(
    [...tests.matchAll(/^ +alertname: (\w+)\n +exp_alerts:\n +- exp_labels/gm)].map(([, name]) => name),
  );
  expect(firing).toEqual(new Set(alerts));
  const [well = ''] = tests.match(/- name: an installation that is well[^]*?(?=\n {2}- name: |$)/) ?? [];
  const silent = [...well.matchAll(/alertname: (\w+), exp_alerts: \[\]/g)].map(([, name]) => name);
  expect(silent).toEqual(alerts);
});

const promtool = (...args: string[]) =>
  execFileSync(findTool('promtool') ?? 'promtool', args, { encoding: 'utf8', stdio: 'pipe' });

describeWithTool('promtool', 'Prometheus itself', () => {
  it('takes the rules', () => {
    expect(promtool('check', 'rules', rules)).toContain(`SUCCESS: ${alerts.length} rules found`);
  });

  it.each(files)('fires what it should, when it should, with the labels and texts of %s', (file) => {
    expect(promtool('test', 'rules', file)).toContain('SUCCESS');
  });
});
