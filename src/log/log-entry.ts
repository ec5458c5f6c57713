import type { CommitcastEvent } from '../core/event.ts';
import { toControlEvent, type ControlEvent } from './control-event.ts';
import { toEvent, type EventRow } from './event-row.ts';

export interface LogEntry {
  event: CommitcastEvent;
  /** Size of the event on the wire, roughly. */
  bytes: number;
  /** Acted on, never delivered. */
  control: ControlEvent | undefined;
}

export function toLogEntry(row: EventRow): LogEntry {
  const event = toEvent(row);
  const bytes = Buffer.byteLength(row.data) + Buffer.byteLength(row.meta ?? '') + 250;
  return { event, bytes, control: row.control ? toControlEvent(event, row) : undefined };
}
