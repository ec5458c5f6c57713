import { describe, expect, it } from 'vitest';
import { createTimes, record, timesOf } from '../../src/cli/bench/closed-loop.ts';
import { isCorrect, Ledger } from '../../src/cli/bench/ledger.ts';
import { readWriteTax } from '../../src/cli/bench/readings.ts';
import { spreadOf, type WriteTax } from '../../src/cli/bench/write-tax.ts';

describe('the ledger', () => {
  it.each([
    ['everything in order', ['u1 1', 'u2 1', 'u1 2'], 3, { missed: 0, doubled: 0, disordered: 0 }],
    ['one missing', ['u1 1', 'u1 3'], 3, { missed: 1, doubled: 0, disordered: 0 }],
    ['one twice', ['u1 1', 'u1 2', 'u1 1'], 2, { missed: 0, doubled: 1, disordered: 0 }],
    ['two exchanged', ['u1 2', 'u1 1', 'u2 1'], 3, { missed: 0, doubled: 0, disordered: 1 }],
    ['one that nobody committed', ['u1 1', 'u1 2'], 1, { missed: -1, doubled: 0, disordered: 0 }],
  ])('sees %s', (_case, told, committed, found) => {
    const ledger = new Ledger();
    for (const [index, text] of told.entries()) {
      const [unit = '', n] = text.split(' ');
      ledger.add({ position: index + 1, unit, n: Number(n) });
    }
    const correctness = ledger.compare(committed);
    expect(correctness).toEqual({ committed, ...found });
    expect(isCorrect(correctness)).toBe(Object.values(found).every((count) => count === 0));
  });

  it('sees a position that was read again, or too late', () => {
    const ledger = new Ledger();
    ledger.add({ position: 2, unit: 'u1', n: 1 });
    ledger.add({ position: 1, unit: 'u2', n: 1 });
    expect(ledger.compare(2)).toMatchObject({ missed: 0, disordered: 1 });
    expect(ledger.position).toBe(2);
  });
});

it('percentiles are in milliseconds, of all values, to three digits', () => {
  const times = createTimes();
  for (let ms = 1; ms <= 1_000; ms++) record(times, ms);
  const { p50, p99, max } = timesOf(times);
  expect(p50 / 500).toBeCloseTo(1, 2);
  expect(p99 / 990).toBeCloseTo(1, 2);
  expect(max / 1_000).toBeCloseTo(1, 2);
});

it.each([
  [[3, 1, 2], { median: 2, min: 1, max: 3 }],
  [[4, 1, 2, 3], { median: 2.5, min: 1, max: 4 }],
])('the spread of %j is %j', (values, spread) => {
  expect(spreadOf(values)).toEqual(spread);
});

const same = (value: number) => ({ median: value, min: value, max: value });
const taxOf = (ratio: number, clientBusy = 0.2): WriteTax => ({
  writers: 8,
  plain: same(1_000),
  outbox: same(1_000 * ratio),
  ratio: same(ratio),
  clientBusy,
});

it.each([
  ['good', taxOf(0.8), {}, /^good: 2\.00 ms more than 8\.00 ms$/],
  ['usual', taxOf(0.64), {}, /^4\.50 ms more than 8\.00 ms: usual/],
  ['much', taxOf(0.5), {}, /^8\.00 ms more than 8\.00 ms: is the processor/],
  ['the limit of the client', taxOf(0.95, 0.95), {}, /this process was the limit/],
  ['without fsync', taxOf(0.5), { fsync: false }, /without a wait for the disk/],
  ['asynchronous', taxOf(0.1), { synchronousCommit: 'off' }, /only those with events wait for the disk/],
])('the write tax is read: %s', (_case, tax, server, text) => {
  expect(readWriteTax(tax, { fsync: true, synchronousCommit: 'on', ...server })).toMatch(text);
});
