import type { InstanceStatus } from '../../core/status.ts';
import { countOf, plural } from '../words.ts';
import { Ago, For } from './ago.tsx';
import { isSilent, nameInstances } from './instances.ts';
import { Panel } from './panel.tsx';
import { bytesOf } from './quantities.ts';
import { Records, type Column } from './records.tsx';
import type { Seen } from './use-status.ts';

export function Instances({ seen: { status, at } }: { seen: Seen }) {
  const { instances, leader, instance: own } = status;
  const nameOf = nameInstances(instances);
  const columns: Column<InstanceStatus>[] = [
    {
      title: 'Instance',
      cell: (each) => (
        <span className="operator-tags">
          <strong title={each.id}>{nameOf(each.id)}</strong>
          {each.id === leader?.instance && (
            <span className="tag" data-tone="accent">
              leader
            </span>
          )}
          {each.kind === 'relay' && <span className="tag">relay only</span>}
          {each.id === own && (
            <span className="tag" title="The one that this page asks">
              answers
            </span>
          )}
        </span>
      ),
    },
    { title: 'State', cell: (each) => <State instance={each} /> },
    { title: 'Adapter', cell: ({ report }) => <Adapter adapter={report.adapter} /> },
    { title: 'Position', cell: ({ report: { gateway } }) => numberOf(gateway?.position), isNumber: true },
    { title: 'Lag', cell: ({ report: { gateway } }) => numberOf(gateway?.lag), isNumber: true },
    {
      title: 'Sessions',
      cell: ({ report: { gateway } }) => numberOf(gateway?.sessions.total),
      isNumber: true,
    },
    { title: 'Memory', cell: ({ report }) => bytesOf(report.rssBytes), isNumber: true },
    {
      title: 'Version',
      cell: ({ version, report }) => <span title={`Node ${report.node}`}>{version}</span>,
      isNumber: true,
    },
    { title: 'Up for', cell: ({ upMs }) => <For ms={upMs} at={at} />, isNumber: true },
    { title: 'Last report', cell: ({ seenAgeMs }) => <Ago ms={seenAgeMs} at={at} />, isNumber: true },
  ];
  return (
    <Panel title="Instances" testId="instances" aside={plural(instances.length, 'instance')}>
      <Records label="Instances" columns={columns} rows={instances} keyOf={({ id }) => id} />
    </Panel>
  );
}

function State({ instance }: { instance: InstanceStatus }) {
  return isSilent(instance) ? (
    <span className="tag" data-tone="bad">
      silent
    </span>
  ) : (
    <span className="tag" data-tone="good">
      runs
    </span>
  );
}

function Adapter({ adapter }: { adapter: InstanceStatus['report']['adapter'] }) {
  if (!adapter) return <span className="soft">not attached</span>;
  if (adapter.state === 'ok') return adapter.name;
  return (
    <span className="tag" data-tone="bad">
      {adapter.name} unreachable
    </span>
  );
}

function numberOf(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : countOf(value);
}
