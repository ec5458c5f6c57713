import type { ConsumerStatus, StatusAnswer } from '../../core/status.ts';
import { countOf, plural } from '../words.ts';
import { Command } from './command.tsx';
import { Panel } from './panel.tsx';
import { spanOf } from './quantities.ts';
import { Records, type Column } from './records.tsx';

const columns: readonly Column<ConsumerStatus>[] = [
  {
    title: 'Consumer',
    cell: ({ name, partition, partitions }) => (
      <>
        <strong>{name}</strong>
        {partitions > 1 && (
          <span className="soft">
            {' '}
            {partition + 1}/{partitions}
          </span>
        )}
      </>
    ),
  },
  { title: 'State', cell: (each) => <State consumer={each} /> },
  { title: 'Position', cell: ({ position }) => countOf(position), isNumber: true },
  { title: 'Lag', cell: ({ lagPositions }) => plural(lagPositions, 'position'), isNumber: true },
  {
    title: 'Oldest waits for',
    cell: ({ lagSeconds }) => (lagSeconds === null ? '–' : spanOf(lagSeconds * 1_000)),
    isNumber: true,
  },
  { title: 'Parked', cell: ({ parked }) => countOf(parked), isNumber: true },
  { title: 'What to do', cell: (each) => <Remedy consumer={each} />, isWide: true },
];

export function Consumers({ status: { consumers, database } }: { status: StatusAnswer }) {
  const names = new Set(consumers.map(({ name }) => name)).size;
  const none =
    database === 'unreachable'
      ? 'Not known: the database is unreachable.'
      : 'None. A durable consumer handles every event in your own code, with a checkpoint in your transaction.';
  return (
    <Panel title="Consumers" testId="consumers" aside={names === 0 ? undefined : plural(names, 'consumer')}>
      {consumers.length === 0 ? (
        <p className="panel-body soft">{none}</p>
      ) : (
        <Records
          label="Consumers"
          columns={columns}
          rows={consumers}
          keyOf={({ name, partition }) => `${name}/${partition}`}
        />
      )}
    </Panel>
  );
}

function State({ consumer: { failed, paused, alive, attempts } }: { consumer: ConsumerStatus }) {
  const [text, tone] = failed
    ? ['stands still', 'bad']
    : paused
      ? ['paused', 'warn']
      : !alive
        ? ['no worker', 'warn']
        : attempts > 1
          ? [`attempt ${attempts}`, 'warn']
          : ['runs', 'good'];
  return (
    <span className="tag" data-tone={tone}>
      {text}
    </span>
  );
}

function Remedy({ consumer: { name, failed, paused, alive, parked } }: { consumer: ConsumerStatus }) {
  if (failed || paused) return <Command text={`npx commitcast consumers resume ${name}`} />;
  if (!alive) return <span className="soft">Start the application that consumes it</span>;
  if (parked > 0) return <Command text={`npx commitcast consumers parked ${name}`} />;
  return <span className="soft">Nothing</span>;
}
