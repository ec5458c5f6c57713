import { expect, it } from 'vitest';
import { timeOf } from '../../src/log/event-row.ts';

it.each([
  ['2026-11-23 14:58:16.123456+00', '2026-11-23T14:58:16.123Z'],
  ['2026-11-23 14:58:16.1+00', '2026-11-23T14:58:16.100Z'],
  ['2026-11-23 14:58:16.0009+00', '2026-11-23T14:58:16.000Z'],
  ['2026-11-23 14:58:16+00', '2026-11-23T14:58:16.000Z'],
  ['2026-11-23 14:58:16.5+05:30', '2026-11-23T09:28:16.500Z'],
  ['2026-11-23 14:58:16.5-03', '2026-11-23T17:58:16.500Z'],
  ['infinity', '1970-01-01T00:00:00.000Z'],
])('a time that Postgres writes as %s is %s on the wire', (text, time) => {
  expect(timeOf(text)).toBe(time);
});

it('a date of the driver is the same time', () => {
  expect(timeOf(new Date('2026-11-23T14:58:16.123Z'))).toBe('2026-11-23T14:58:16.123Z');
});
