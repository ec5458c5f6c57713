import { useRef, type KeyboardEvent, type RefObject } from 'react';
import type { Row } from '../ledger.ts';
import type { Org } from '../session.ts';
import { EventRow } from './event-row.tsx';

type Opened = Extract<Row, { event: unknown }>;

/** The newest first. Arrows go from row to row, Enter opens one. */
export function EventList({
  rows,
  org,
  mine,
  selected,
  active,
  scroller,
  onSteer,
  onOpen,
  onScrolled,
}: {
  rows: readonly Row[];
  org: Org;
  mine: ReadonlySet<string>;
  selected: number | undefined;
  /** The row that Tab reaches. */
  active: number | undefined;
  scroller: RefObject<HTMLOListElement | null>;
  onSteer: (row: Opened) => void;
  onOpen: (row: Opened) => void;
  onScrolled: (isScrolled: boolean) => void;
}) {
  const wasScrolled = useRef(false);
  const events = rows.filter((row): row is Opened => 'event' in row);
  const at = events.findIndex(({ seq }) => seq === active);
  const reachable = events[Math.max(0, at)]?.seq;

  const onKeyDown = (event: KeyboardEvent) => {
    const focused = (event.target as HTMLElement).dataset['seq'];
    const from = events.findIndex(({ seq }) => String(seq) === focused);
    const to = targetOf(event.key, from, events.length - 1);
    const row = to === undefined ? undefined : events[Math.max(0, Math.min(events.length - 1, to))];
    if (!row) return;
    event.preventDefault();
    onSteer(row);
    const element = scroller.current?.querySelector<HTMLElement>(`[data-seq="${row.seq}"]`);
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: 'nearest' });
  };

  return (
    <ol
      ref={scroller}
      className="rows"
      data-testid="rows"
      aria-label="Events, the newest first"
      onKeyDown={onKeyDown}
      onScroll={({ currentTarget }) => {
        const isScrolled = currentTarget.scrollTop > 4;
        if (isScrolled === wasScrolled.current) return;
        wasScrolled.current = isScrolled;
        onScrolled(isScrolled);
      }}
    >
      {rows.map((row) =>
        'event' in row ? (
          <EventRow
            key={row.seq}
            row={row}
            org={org}
            isMine={mine.has(row.event.id)}
            isSelected={row.seq === selected}
            isReachable={row.seq === reachable}
            onOpen={onOpen}
          />
        ) : (
          <li key={row.seq} className="mark">
            {row.mark}
          </li>
        ),
      )}
    </ol>
  );
}

function targetOf(key: string, from: number, last: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return from + 1;
    case 'ArrowUp':
      return from - 1;
    case 'PageDown':
      return from + 10;
    case 'PageUp':
      return from - 10;
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}
