import { countOf } from '../words.ts';
import { For } from './ago.tsx';
import { Command } from './command.tsx';
import { isLong, writerName, type Held } from './held.ts';
import { Panel } from './panel.tsx';
import { spanOf } from './quantities.ts';
import { Records, type Column } from './records.tsx';
import type { Seen } from './use-status.ts';

/** Commits that the stream waits for; and the oldest writer, which is often taken for one. */
export function Holding({ seen }: { seen: Seen }) {
  const { status, held, at } = seen;
  const isStuck = held.some(isLong);
  const columns: Column<Held>[] = [
    {
      title: 'Application',
      cell: ({ applicationName }) => applicationName || <span className="soft">not named</span>,
    },
    { title: 'Backend', cell: ({ pid }) => `pid ${pid}`, isNumber: true },
    {
      title: 'Holds for',
      cell: ({ heldMs }) => (heldMs === 0 ? 'a moment' : `${spanOf(heldMs)} or more`),
      isNumber: true,
    },
    {
      title: 'Transaction open for',
      cell: ({ ageMs }) => (ageMs === null ? '–' : <For ms={ageMs} at={at} />),
      isNumber: true,
    },
    {
      title: 'What it waits for',
      cell: ({ pid }) => (
        <Command
          text={`select wait_event_type, wait_event, query from pg_stat_activity where pid = ${pid}`}
        />
      ),
      isWide: true,
    },
  ];
  return (
    <Panel
      title="What holds the stream back"
      testId="holding"
      alarm={isStuck ? 'bad' : undefined}
      aside={held.length === 0 ? undefined : `${countOf(held.length)} in COMMIT`}
    >
      {held.length > 0 && (
        <Records
          label="Commits that hold the stream back"
          columns={columns}
          rows={held}
          keyOf={({ pid }) => String(pid)}
        />
      )}
      <div className="panel-body operator-prose">
        {held.length > 0 && <Explanation />}
        {held.length === 0 && <p>{nothingHeld(seen)}</p>}
        {status.oldestWriter && (
          <p className="soft" data-testid="oldest-writer">
            The oldest transaction that writes events is of {writerName(status.oldestWriter)}
            {status.oldestWriter.ageMs !== null && (
              <>
                , open for <For ms={status.oldestWriter.ageMs} at={at} />
              </>
            )}
            . Until it commits it holds nothing back, however long it is open or idle: its events get their
            positions at the end of its COMMIT.
          </p>
        )}
      </div>
    </Panel>
  );
}

function Explanation() {
  return (
    <>
      <p>
        These transactions are in the last instant of their COMMIT: their events have positions and cannot be
        read yet. Whatever committed after them waits, so that nobody gets events out of order. That takes
        milliseconds.
      </p>
      <p className="soft">
        If it takes seconds, see what the backend waits for: a synchronous standby that is away, a full or
        slow disk, a deferred trigger. As the last resort, <code>pg_terminate_backend</code> ends it: what is
        not yet committed is rolled back, its positions are given up, and the stream goes on.
      </p>
    </>
  );
}

function nothingHeld({ status: { database, leader, log } }: Seen): string {
  if (database === 'unreachable') return 'Not known: the database is unreachable.';
  if (!leader) return 'Not known: no relay leads.';
  if (log?.head === 0) return 'Nothing: no event has been committed yet.';
  return `Nothing. All that committed, up to position ${countOf(log?.head ?? 0)}, may be delivered.`;
}
