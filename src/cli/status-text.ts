import type { ConsumerStatus, InstanceStatus, StatusAnswer, TransactionStatus } from '../core/status.ts';
import { formatInteger } from './consumers-table.ts';

type Shown = Pick<StatusAnswer, 'log' | 'leader' | 'waitingFor' | 'oldestWriter' | 'instances' | 'consumers'>;

/** An instance that has not reported for so long hangs, or is gone. */
const silentMs = 10_000;

export function statusText({ log, leader, waitingFor, oldestWriter, instances, consumers }: Shown): string {
  const led = instances.find(({ id }) => id === leader?.instance);
  return [
    ...(log
      ? [
          `Postgres ${log.version}, epoch ${log.epoch}`,
          `log       ${formatInteger(log.floor)} to ${formatInteger(log.head)}, ${log.partitions} partitions, ${sizeText(log.bytes)}`,
        ]
      : []),
    `leader    ${leader ? `${led ? `${led.host} (${led.pid})` : leader.instance}, heartbeat ${durationText(leader.heartbeatAgeMs)} ago` : 'nobody so far'}`,
    ...waitingFor.map((each) => `waits for ${transactionText(each)}`),
    ...(oldestWriter ? [`writing   ${transactionText(oldestWriter)}: the oldest transaction that does`] : []),
    '',
    ...(instances.length === 0
      ? ['No instance runs.']
      : columns(instancesHeadings, instances.map(instanceRow))),
    ...(consumers.length === 0 ? [] : ['', ...columns(consumersHeadings, consumers.map(consumerRow))]),
  ].join('\n');
}

const instancesHeadings = [
  'instance',
  'kind',
  'up',
  'relay',
  'position',
  'lag',
  'sessions',
  'slow',
  'errors',
  'state',
];

function instanceRow({ host, pid, kind, upMs, seenAgeMs, report }: InstanceStatus): string[] {
  const { relay, gateway, errors, adapter } = report;
  const states = [
    ...(seenAgeMs > silentMs ? [`silent for ${durationText(seenAgeMs)}`] : []),
    ...(adapter?.state === 'unreachable' ? [`${adapter.name} is unreachable`] : []),
  ];
  return [
    `${host} (${pid})`,
    kind,
    durationText(upMs),
    relay ? (relay.leading ? 'leads' : 'follows') : '-',
    gateway ? formatInteger(gateway.position) : '-',
    gateway && gateway.lag !== null ? formatInteger(gateway.lag) : '-',
    gateway ? formatInteger(gateway.sessions.total) : '-',
    gateway ? formatInteger(gateway.sessions.slow) : '-',
    formatInteger(errors.errors + errors.warnings),
    states.join(', ') || 'runs',
  ];
}

const consumersHeadings = ['consumer', 'position', 'lag', 'parked', 'state'];

function consumerRow(each: ConsumerStatus): string[] {
  const { name, partition, partitions, position, lagPositions, parked } = each;
  return [
    partitions > 1 ? `${name} ${partition + 1}/${partitions}` : name,
    formatInteger(position),
    formatInteger(lagPositions),
    formatInteger(parked),
    each.failed ? 'failed' : each.paused ? 'paused' : each.alive ? 'runs' : 'no worker',
  ];
}

function transactionText({ pid, applicationName, ageMs }: TransactionStatus): string {
  const name = applicationName === '' ? '' : ` (${applicationName})`;
  return `pid ${pid}${name}${ageMs === null ? '' : `, open for ${durationText(ageMs)}`}`;
}

function columns(headings: string[], rows: string[][]): string[] {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function durationText(ms: number): string {
  if (ms < 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

function sizeText(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024;
  return mebibytes < 1024 ? `${mebibytes.toFixed(1)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}
