import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { defaultLimits, limitSettings, type LimitName } from '../../src/config/limits.ts';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('SECURITY.md', root), 'utf8');

/** The table of limits: variable, option, default, what it counts. */
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| `COMMITCAST_'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );

it('SECURITY.md has each limit, with its option and its default', () => {
  const expected = (Object.keys(limitSettings) as LimitName[]).map((name) => {
    const value = defaultLimits[name];
    return [limitSettings[name].variable, name, value === Infinity ? 'off' : value.toLocaleString('en')];
  });
  expect(rows.map((row) => row.slice(0, 3))).toEqual(expected);
});

it('what a limit says of its default is its default', () => {
  for (const [name, { description }] of Object.entries(limitSettings)) {
    const said = /Default: `?(\w+)`?/.exec(description)?.[1];
    const value = defaultLimits[name as LimitName];
    expect([name, said]).toEqual([name, value === Infinity ? 'off' : String(value)]);
  }
});

it('every test that SECURITY.md names is there', () => {
  const named = [...text.matchAll(/\]\((test\/[^)]+|src\/[^)]+)\)/g)].map(([, path = '']) => path);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});
