import { expect, it } from 'vitest';
import { helpText } from '../../src/cli/command.ts';
import { consumersTable } from '../../src/cli/consumers-table.ts';
import { tableLines } from '../../src/cli/table.ts';
import { cut, terminalWidth, wrapped } from '../../src/cli/terminal.ts';
import type { ConsumerPartition } from '../../src/consumer/list-consumers.ts';

const headings = ['instance', 'up', 'state'];
const rows = [
  ['a-pod-with-a-long-name (1)', '9 s', 'runs'],
  ['b (27)', '120 min', 'silent for 12 s'],
];

it('a table that fits is in columns, numbers to the right, also where a pipe has no width', () => {
  const lines = ['instance                         up  state', 'a-pod-with-a-long-name (1)      9 s  runs'];
  for (const width of [52, Infinity])
    expect(tableLines(headings, rows, { numeric: [1], width }).slice(0, 2)).toEqual(lines);
});

it('a table that is wider than the terminal has its first column on lines of its own', () => {
  expect(tableLines(headings, rows, { numeric: [1], width: 51 })).toEqual([
    'instance\n       up  state',
    'a-pod-with-a-long-name (1)\n      9 s  runs',
    'b (27)\n  120 min  silent for 12 s',
  ]);
});

it('what a handler said does nothing to the terminal, and takes one line of it', () => {
  const failed = {
    name: 'mails',
    partitions: 1,
    position: 0,
    lagPositions: 3,
    lagSeconds: 4,
    parked: 0,
    failed: true,
  };
  const error = `Error: \x1b[2J\x9b31m${'no '.repeat(60)}\n    at handler`;
  const all = [{ ...failed, error } as unknown as ConsumerPartition];
  const [, , said = ''] = consumersTable(all, 80).split('\n');
  expect(said).toMatch(/^ {2}Error: \\u001b\[2J\\u009b31mno no .*…$/);
  expect(said).toHaveLength(80);
  expect(consumersTable(all)).toMatch(/(?:no ){60}$/m);
});

it('texts are broken between words, and a word that is too long is not', () => {
  expect(wrapped('  one two three', 10, '    ')).toBe('  one two\n    three');
  expect(wrapped('one a-word-that-is-too-long two', 8, '  ')).toBe('one\n  a-word-that-is-too-long\n  two');
  expect(wrapped('a b', Infinity, ' ')).toBe('a b');
  expect(cut('12345', 5)).toBe('12345');
  expect(cut('123456', 5)).toBe('1234…');
  const help = helpText(
    [{ name: 'x', summary: 'word '.repeat(30), usage: ['--all  '.repeat(20)], run: () => Promise.resolve() }],
    60,
  );
  expect(help.split('\n').every((line) => line.length <= 60)).toBe(true);
});

it('only a terminal has a width', () => {
  expect(terminalWidth({ isTTY: true, columns: 80 })).toBe(80);
  expect(terminalWidth({ columns: 80 })).toBe(Infinity);
  expect(terminalWidth({ isTTY: true, columns: 0 })).toBe(Infinity);
});
