import { expect, it } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';
import { resolvePluginOptions } from '../../src/http/plugin-options.ts';

const dayMs = 24 * 3_600_000;

const plugin = (keyRetention: string | number | undefined) =>
  resolvePluginOptions({ databaseUrl: 'postgres://db/app', keyRetention }).keyRetentionMs;

it.each([
  ['forever', undefined],
  ['7d', 7 * dayMs],
  ['12h', dayMs / 2],
])('%s is understood alike in the environment and as an option of the plugin', (text, ms) => {
  expect(readEnvironment({ COMMITCAST_KEY_RETENTION: text }).keyRetention).toBe(ms);
  expect(plugin(text)).toBe(ms);
});

it('a number is milliseconds', () => {
  expect(plugin(1_500)).toBe(1_500);
});

it('without it keys are kept for 30 days', () => {
  expect(readEnvironment({}).keyRetention).toBe(30 * dayMs);
  expect(readEnvironment({ COMMITCAST_KEY_RETENTION: '' }).keyRetention).toBe(30 * dayMs);
  expect(plugin(undefined)).toBe(30 * dayMs);
});

it.each(['0d', '30', '1w', 'never'])('%s is refused, with the setting and the form that it wants', (text) => {
  expect(() => readEnvironment({ COMMITCAST_KEY_RETENTION: text })).toThrow(
    /COMMITCAST_KEY_RETENTION .*"30d"/,
  );
  expect(() => plugin(text)).toThrow(/keyRetention/);
});

it.each([0, -1, 0.5, Number.NaN])('%d milliseconds are refused', (ms) => {
  expect(() => plugin(ms)).toThrow(/keyRetention/);
});
