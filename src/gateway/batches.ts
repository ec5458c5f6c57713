import { maxBatchBytes, maxBatchEvents } from '../core/protocol.ts';
import type { ControlEvent } from '../log/control-event.ts';
import type { LogEntry } from '../log/log-entry.ts';
import { roomsOf } from './rooms.ts';

/** What is done at once: entries that go to the same rooms in one message; or a control event, alone at its place. */
export interface Batch {
  rooms: string[];
  entries: LogEntry[];
  /** Of the last of them. */
  position: number;
  bytes: number;
  control?: ControlEvent;
}

/** Consecutive events of the same union share a message, within the limits of the wire. */
export function* batchesOf(entries: readonly LogEntry[]): Generator<Batch> {
  let batch: (Batch & { key: string }) | undefined;
  for (const entry of entries) {
    const { control } = entry;
    const { position } = entry.event;
    const rooms = control ? [] : roomsOf(entry.event);
    const key = rooms.join(' ');
    const full =
      batch && (batch.entries.length === maxBatchEvents || batch.bytes + entry.bytes > maxBatchBytes);
    if (batch && (control || full || batch.key !== key)) {
      yield batch;
      batch = undefined;
    }
    if (control) {
      yield { rooms, entries: [], position, bytes: 0, control };
      continue;
    }
    batch ??= { key, rooms, entries: [], bytes: 0, position };
    batch.entries.push(entry);
    batch.bytes += entry.bytes;
    batch.position = position;
  }
  if (batch) yield batch;
}
