import type { ConsumerPartition } from '../consumer/list-consumers.ts';
import type { ParkedDetail } from '../consumer/list-parked.ts';
import { printable } from './printable.ts';
import { cut } from './terminal.ts';
import { durationText, formatInteger, tableLines } from './table.ts';

export function consumersTable(all: readonly ConsumerPartition[], width = Infinity): string {
  if (all.length === 0) return 'No consumer has ever run against this database.';
  const rows = all.map((each) => [
    each.partitions > 1 ? `${each.name} ${each.partition + 1}/${each.partitions}` : each.name,
    formatInteger(each.position),
    formatInteger(each.lagPositions),
    durationText(each.lagSeconds),
    formatInteger(each.parked),
    stateOf(each),
  ]);
  const lines = tableLines(['consumer', 'position', 'lag', 'behind', 'parked', 'state'], rows, {
    numeric: [1, 2, 3, 4],
    width,
  });
  const shown = lines.flatMap((line, index) => {
    const error = all[index - 1]?.error;
    return error ? [line, cut(`  ${rootOf(error)}`, width)] : [line];
  });
  return shown.join('\n');
}

/** What an operator has to know first. */
function stateOf({ failed, paused, rebuildAsked, alive, attempts }: ConsumerPartition): string {
  if (failed) return 'failed: stands still until resumed';
  if (paused) return rebuildAsked ? 'paused, rebuild asked for' : 'paused';
  if (!alive) return 'no worker';
  if (rebuildAsked) return 'rebuild asked for';
  return attempts > 0 ? `tries again, ${attempts} attempt${attempts === 1 ? '' : 's'} so far` : 'runs';
}

export function parkedTable(all: readonly ParkedDetail[], limit: number, width = Infinity): string {
  if (all.length === 0) return 'Nothing is parked.';
  const rows = all.map((each) => [
    each.name,
    formatInteger(each.position),
    each.lane,
    each.expired ? '(no longer kept)' : (each.type ?? ''),
    String(each.attempts),
    each.asked === null ? '' : each.asked,
    each.error === null ? 'waits behind it' : rootOf(each.error),
  ]);
  const headings = ['consumer', 'position', 'lane', 'type', 'attempts', 'asked', 'error'];
  const lines = tableLines(headings, rows, { numeric: [1, 4], width });
  if (all.length === limit)
    lines.push(`Not more than ${formatInteger(limit)} are shown: --limit N shows more.`);
  return lines.join('\n');
}

/** What it was thrown for in the end: a driver's word rather than that a statement failed. */
function rootOf(error: string): string {
  return printable(error.split('\ncaused by ').at(-1)?.split('\n', 1)[0] ?? '');
}
