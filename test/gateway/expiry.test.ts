import { array, assert, nat, option, property, record } from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { nowhere, Timetable, type Due } from '../../src/gateway/expiry.ts';

const start = Date.UTC(2026, 0, 1);

beforeEach(() => {
  vi.useFakeTimers({ now: start });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Named extends Due {
  name: string;
}

function timetable() {
  const rung: [name: string, afterMs: number][] = [];
  const table = new Timetable<Named>(({ name }) => rung.push([name, Date.now() - start]));
  return { table, rung };
}

const entry = (name: string): Named => ({ name, dueAt: 0, place: nowhere });

it('each entry is called back at its time, whatever the order in which they came', () => {
  const { table, rung } = timetable();
  for (const ms of [30, 10, 20]) table.put(entry(`at ${ms}`), start + ms);
  vi.advanceTimersByTime(100);
  expect(rung).toEqual([
    ['at 10', 10],
    ['at 20', 20],
    ['at 30', 30],
  ]);
});

it('however many entries wait, one timer does; and none does when none waits', () => {
  const { table } = timetable();
  const entries = Array.from({ length: 100 }, (_, n) => entry(`${n}`));
  for (const [n, each] of entries.entries()) table.put(each, start + 1_000 - n);
  expect(vi.getTimerCount()).toBe(1);
  for (const each of entries) table.remove(each);
  expect(table.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

it('a time that is further away than any timer reaches is waited for, not called at once', () => {
  const { table, rung } = timetable();
  const years = 3 * 365 * 86_400_000;
  table.put(entry('far'), start + years);
  vi.advanceTimersByTime(years - 1);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rung).toEqual([['far', years]]);
});

it('a time that has passed is called back soon, not in the tick in which it is put in', () => {
  const { table, rung } = timetable();
  table.put(entry('late'), start - 1_000);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rung).toHaveLength(1);
});

it('an entry may put itself in again, or take another out, while it is called back', () => {
  const again: Due[] = [];
  const first: Due = { dueAt: 0, place: nowhere };
  const second: Due = { dueAt: 0, place: nowhere };
  const table = new Timetable<Due>((entry) => {
    again.push(entry);
    table.remove(second);
    if (again.length < 3) table.put(entry, Date.now() + 5);
  });
  table.put(first, start + 10);
  table.put(second, start + 10);
  vi.advanceTimersByTime(100);
  expect(again).toEqual([first, first, first]);
});

it('with any entries put in, put off and taken out, each is called back once, when it is due, earliest first', () => {
  const step = record({ id: nat(9), at: option(nat(50)), passMs: nat(5) });
  assert(
    property(array(step, { maxLength: 80 }), (steps) => {
      vi.setSystemTime(start);
      const { table, rung } = timetable();
      const entries = Array.from({ length: 10 }, (_, id) => entry(`${id}`));
      const due = new Map<string, number>();
      const expected: [string, number][] = [];
      let now = 0;
      const pass = (ms: number) => {
        vi.advanceTimersByTime(ms);
        now += ms;
        const ready = [...due].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
        for (const [name] of ready) due.delete(name);
        expected.push(...ready);
      };
      for (const { id, at, passMs } of steps) {
        const each = entries[id] as Named;
        if (at === null) {
          table.remove(each);
          due.delete(each.name);
        } else {
          // At least one: what is due already has its own test.
          table.put(each, start + now + 1 + at);
          due.set(each.name, now + 1 + at);
        }
        pass(passMs);
      }
      pass(100);
      expect(rung.map(([, at]) => at)).toEqual(expected.map(([, at]) => at));
      // Those that are due together come in any order.
      expect(rung).toEqual(expect.arrayContaining(expected));
      expect(rung).toHaveLength(expected.length);
      expect(table.size).toBe(0);
    }),
  );
});
