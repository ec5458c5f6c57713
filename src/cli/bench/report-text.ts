import { formatInteger, tableLines } from '../table.ts';
import { isCorrect } from './ledger.ts';
import type { BenchReport } from './measure.ts';
import {
  readCommit,
  readCorrectness,
  readDrain,
  readRoundTrip,
  readSettling,
  readWriteTax,
} from './readings.ts';
import type { Spread } from './write-tax.ts';

const headings = ['measured', 'figure', 'reading'];

export function reportText(report: BenchReport): string {
  const { server, roundTrip, commit, writeTax, leftOut, settling, drain, events } = report;
  const rows = [
    ['round trip of a statement', timesText(roundTrip.times), readRoundTrip(roundTrip)],
    ['commit, 1 writer', timesText(commit.times), readCommit(commit, roundTrip, server)],
    ...writeTax.map((tax) => [
      `outbox : plain insert, ${writersText(tax.writers)}`,
      `${ratioText(tax.ratio)}: ${formatInteger(tax.outbox.median)} : ${formatInteger(tax.plain.median)}/s`,
      readWriteTax(tax, server),
    ]),
    ...leftOut.map((writers) => [
      `outbox : plain insert, ${writersText(writers)}`,
      'not measured',
      `the server has ${formatInteger(server.connectionsLeft)} connections left: see max_connections`,
    ]),
    [
      `event to relay, ${formatInteger(settling.eventsPerSecond)}/s`,
      timesText(settling.settled),
      readSettling(settling),
    ],
    [
      `backlog of ${formatInteger(drain.events)} events`,
      `${formatInteger(drain.perSecond)} events/s`,
      readDrain(drain),
    ],
    [`${formatInteger(events.committed)} events`, lossText(report), readCorrectness(events)],
  ];
  return [
    `Postgres ${server.version}, fsync ${server.fsync ? 'on' : 'off'}, synchronous_commit ${server.synchronousCommit}`,
    '',
    ...tableLines(headings, rows),
  ].join('\n');
}

function writersText(writers: number): string {
  return writers === 1 ? '1 writer' : `${writers} writers`;
}

function timesText({ p50, p99 }: { p50: number; p99: number }): string {
  return `p50 ${msText(p50)}, p99 ${msText(p99)}`;
}

function msText(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}

function ratioText({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} [${min.toFixed(2)}–${max.toFixed(2)}]`;
}

function lossText({ events }: BenchReport): string {
  if (isCorrect(events)) return 'all told';
  return `${events.missed} missed, ${events.doubled} doubled, ${events.disordered} out of order`;
}
