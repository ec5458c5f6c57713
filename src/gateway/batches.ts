import { maxBatchBytes, maxBatchEvents } from '../core/protocol.ts';
import type { LogEntry } from '../log/read-range.ts';
import { roomsOf } from './rooms.ts';

/** Entries that go to the same rooms in one message. */
export interface Batch {
  rooms: string[];
  entries: LogEntry[];
}

/** Consecutive events of the same union share a message, within the limits of the wire. */
export function* batchesOf(entries: readonly LogEntry[]): Generator<Batch> {
  let batch: (Batch & { key: string; bytes: number }) | undefined;
  for (const entry of entries) {
    const rooms = roomsOf(entry.event);
    const key = rooms.join(' ');
    const full =
      batch && (batch.entries.length === maxBatchEvents || batch.bytes + entry.bytes > maxBatchBytes);
    if (batch && (batch.key !== key || full)) {
      yield batch;
      batch = undefined;
    }
    batch ??= { key, rooms, entries: [], bytes: 0 };
    batch.entries.push(entry);
    batch.bytes += entry.bytes;
  }
  if (batch) yield batch;
}
