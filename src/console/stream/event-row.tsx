import { memo } from 'react';
import type { Row } from '../ledger.ts';
import { placeName } from '../scope.ts';
import type { Org } from '../session.ts';
import { countOf, timeOf } from '../words.ts';
import { summaryOf, toneOf } from './summary.ts';

/** One event. Whatever it carries is text. */
export const EventRow = memo(function EventRow({
  row,
  org,
  isMine,
  isSelected,
  isReachable,
  onOpen,
}: {
  row: Extract<Row, { event: unknown }>;
  org: Org;
  isMine: boolean;
  isSelected: boolean;
  /** One row at a time is reached by Tab, the others by arrows. */
  isReachable: boolean;
  onOpen: (row: Extract<Row, { event: unknown }>) => void;
}) {
  const { event, replayed, seq } = row;
  const { position, type, time } = event;
  return (
    <li>
      <button
        type="button"
        className="row"
        data-position={position}
        data-seq={seq}
        data-replayed={replayed ? '' : undefined}
        data-mine={isMine ? '' : undefined}
        aria-current={isSelected ? 'true' : undefined}
        tabIndex={isReachable ? 0 : -1}
        onClick={() => onOpen(row)}
      >
        <span className="row-position numeric">{countOf(position)}</span>
        <time className="row-time numeric soft" dateTime={time}>
          {timeOf(time)}
        </time>
        <span className="row-type">
          <span className="tag ellipsis" data-tone={toneOf(type)}>
            {type}
          </span>
        </span>
        <span className="row-place ellipsis">{placeName(event, org)}</span>
        <span className="row-summary ellipsis soft">{summaryOf(event)}</span>
        <span className="row-end">
          {isMine && (
            <span className="tag" data-tone="violet">
              yours
            </span>
          )}
          {replayed && (
            <span className="tag" data-tone="accent">
              replayed
            </span>
          )}
        </span>
      </button>
    </li>
  );
});
