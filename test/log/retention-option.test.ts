import { expect, it } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';
import { resolvePluginOptions } from '../../src/http/plugin-options.ts';

const plugin = (retention: string | number | undefined) =>
  resolvePluginOptions({ databaseUrl: 'postgres://db/app', retention }).retentionMs;

it.each([
  ['forever', undefined],
  ['30d', 30 * 24 * 3_600_000],
  ['12h', 12 * 3_600_000],
  ['90m', 90 * 60_000],
  ['1s', 1_000],
])('%s is understood alike in the environment and as an option of the plugin', (text, ms) => {
  expect(readEnvironment({ COMMITCAST_RETENTION: text }).retention).toBe(ms);
  expect(plugin(text)).toBe(ms);
  expect(plugin(ms)).toBe(ms);
});

it('without it events are kept for ever', () => {
  expect(readEnvironment({}).retention).toBeUndefined();
  expect(plugin(undefined)).toBeUndefined();
});

it.each(['0d', '-1d', '30', 'd', '1w', '1.5h', '30 d', 'never', '1d12h', '99999999d'])(
  '%s is refused, with the setting and the form that it wants',
  (text) => {
    expect(() => readEnvironment({ COMMITCAST_RETENTION: text })).toThrow(/COMMITCAST_RETENTION .*"30d"/);
    expect(() => plugin(text)).toThrow(/retention/);
  },
);

it.each([0, -1, 0.5, Number.NaN])('%d milliseconds are refused', (ms) => {
  expect(() => plugin(ms)).toThrow(/retention/);
});
