import type { ControlEvent } from '../log/control-event.ts';
import type { LogEntry } from '../log/log-entry.ts';
import type { WireEvent } from '../log/wire-event.ts';
import { roomsOf } from './rooms.ts';

/** What is done at once: events that go to the same rooms; or a control event, alone at its place. */
export interface Batch {
  rooms: string[];
  events: WireEvent[];
  /** Of the last of them. */
  position: number;
  control?: ControlEvent;
}

/** Consecutive events of the same union are one batch. */
export function* batchesOf(entries: readonly LogEntry[]): Generator<Batch> {
  let batch: (Batch & { key: string }) | undefined;
  for (const entry of entries) {
    const { control } = entry;
    if (control) {
      if (batch) yield batch;
      batch = undefined;
      yield { rooms: [], events: [], position: entry.position, control };
      continue;
    }
    const { wire } = entry;
    const rooms = roomsOf(wire);
    const key = rooms.join(' ');
    if (batch && batch.key !== key) {
      yield batch;
      batch = undefined;
    }
    batch ??= { key, rooms, events: [], position: wire.position };
    batch.events.push(wire);
    batch.position = wire.position;
  }
  if (batch) yield batch;
}
