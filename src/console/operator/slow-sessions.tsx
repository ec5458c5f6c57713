import type { SlowSession } from '../../core/status.ts';
import { plural } from '../words.ts';
import { For } from './ago.tsx';
import { nameInstances, openGateways } from './instances.ts';
import { Panel } from './panel.tsx';
import { bytesOf } from './quantities.ts';
import { Records, type Column } from './records.tsx';
import type { Seen } from './use-status.ts';

/** Sessions that have left their rooms until they have read what was sent to them. */
export function SlowSessions({ seen: { status, at } }: { seen: Seen }) {
  const nameOf = nameInstances(status.instances);
  const gateways = openGateways(status.instances);
  const rows = gateways.flatMap(({ instance, gateway }) =>
    gateway.slowSessions.map((each) => ({ ...each, instance: instance.id })),
  );
  const count = gateways.reduce((total, { gateway }) => total + gateway.sessions.slow, 0);
  const columns: Column<SlowSession & { instance: string }>[] = [
    {
      title: 'User',
      cell: ({ userId, org }) => (
        <>
          {userId ?? <span className="soft">not shown</span>} of {org}
        </>
      ),
    },
    {
      title: 'Session',
      cell: ({ id }) => (
        <code className="operator-id ellipsis" title={id}>
          {id}
        </code>
      ),
    },
    { title: 'Unsent', cell: ({ unsentBytes }) => bytesOf(unsentBytes), isNumber: true },
    { title: 'Slow for', cell: ({ slowMs }) => <For ms={slowMs} at={at} />, isNumber: true },
    { title: 'Instance', cell: ({ instance }) => nameOf(instance) },
  ];
  return (
    <Panel
      title="Slow sessions"
      testId="slow-sessions"
      aside={count === 0 ? undefined : plural(count, 'session')}
    >
      {rows.length === 0 ? (
        <p className="panel-body soft">None: every session takes what it is sent.</p>
      ) : (
        <>
          <Records label="Slow sessions" columns={columns} rows={rows} keyOf={({ id }) => id} />
          <p className="panel-body soft">
            They delay nobody else, and catch up from the log once they have read. One that reads nothing for
            a minute is closed.
          </p>
        </>
      )}
    </Panel>
  );
}
