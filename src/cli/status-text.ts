import type { ConsumerStatus, InstanceStatus, StatusAnswer, TransactionStatus } from '../core/status.ts';
import type { Installation } from '../http/installation.ts';
import { printable } from './printable.ts';
import { durationText, formatInteger, tableLines } from './table.ts';

type Shown = Pick<
  StatusAnswer,
  'log' | 'leader' | 'waitingFor' | 'oldestWriter' | 'instances' | 'consumers'
> &
  Pick<Installation, 'published'>;

/** An instance that has not reported for so long hangs, or is gone. */
const silentMs = 10_000;

export function statusText(status: Shown, width = Infinity): string {
  const { log, published, leader, waitingFor, oldestWriter, instances, consumers } = status;
  const led = instances.find(({ id }) => id === leader?.instance);
  return [
    ...(log
      ? [
          `Postgres ${log.version}, epoch ${log.epoch}`,
          `log       ${formatInteger(log.floor)} to ${formatInteger(log.head)}, ${log.partitions} partitions, ${sizeText(log.bytes)}`,
          publishedText(published, log.head),
        ]
      : []),
    `leader    ${leader ? `${led ? `${printable(led.host)} (${led.pid})` : leader.instance}, heartbeat ${durationText(leader.heartbeatAgeMs / 1_000)} ago` : 'nobody so far'}`,
    ...waitingFor.map((each) => `waits for ${transactionText(each)}`),
    ...(oldestWriter ? [`writing   ${transactionText(oldestWriter)}: the oldest transaction that does`] : []),
    ...(instances.length > 0 ? [sessionsText(instances)] : []),
    '',
    ...(instances.length === 0
      ? ['No instance runs.']
      : tableLines(instancesHeadings, instances.map(instanceRow), { numeric: [2, 4, 5, 6, 7, 8], width })),
    ...(consumers.length === 0
      ? []
      : ['', ...tableLines(consumersHeadings, consumers.map(consumerRow), { numeric: [1, 2, 3], width })]),
    ...(isWell(status) ? [] : ['', 'Not all is well: `commitcast doctor` says what to do.']),
  ].join('\n');
}

function publishedText(published: number, head: number): string {
  const behind = head - published;
  return `published ${formatInteger(published)}, ${behind > 0 ? `${formatInteger(behind)} behind the log` : 'all of the log'}`;
}

function sessionsText(instances: readonly InstanceStatus[]): string {
  const counts = instances.flatMap(({ report }) => (report.gateway ? [report.gateway.sessions] : []));
  const sum = (of: 'total' | 'slow') => counts.reduce((all, each) => all + each[of], 0);
  const slow = sum('slow');
  return `sessions  ${formatInteger(sum('total'))}${slow > 0 ? `, ${formatInteger(slow)} of them slow` : ''}`;
}

function isWell({ leader, waitingFor, instances, consumers }: Shown): boolean {
  return (
    leader !== null &&
    leader.heartbeatAgeMs <= silentMs &&
    waitingFor.length === 0 &&
    instances.every(
      ({ seenAgeMs, report }) => seenAgeMs <= silentMs && report.adapter?.state !== 'unreachable',
    ) &&
    consumers.every(({ failed, parked, alive, paused }) => !failed && parked === 0 && (alive || paused))
  );
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
    ...(seenAgeMs > silentMs ? [`silent for ${durationText(seenAgeMs / 1_000)}`] : []),
    ...(adapter?.state === 'unreachable' ? [`${adapter.name} is unreachable`] : []),
  ];
  return [
    `${host} (${pid})`,
    kind,
    durationText(upMs / 1_000),
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
  const name = applicationName === '' ? '' : ` (${printable(applicationName)})`;
  return `pid ${pid}${name}${ageMs === null ? '' : `, open for ${durationText(ageMs / 1_000)}`}`;
}

function sizeText(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024;
  return mebibytes < 1024 ? `${mebibytes.toFixed(1)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}
