import type { Cursor } from '../core/cursor.ts';
import type { Executor } from '../db/executor.ts';
import { readRange } from '../log/read-range.ts';
import type { WireEvent } from '../log/wire-event.ts';
import { sizeOf, Tail } from './tail.ts';

/** Positions that are read at once, from the newest to the oldest. */
const windowPositions = 250;
/** An instance that starts does not make anybody wait for more than that. */
const patienceMs = 1_000;

/**
 * A tail with what came before a position: those who come back to an instance that has just started need not ask the
 * database one by one.
 */
export async function recall(db: Executor, { epoch, position }: Cursor, maxBytes: number): Promise<Tail> {
  const tail = new Tail(position, maxBytes);
  const until = performance.now() + patienceMs;
  for (let end = position; end > 0 && performance.now() < until;) {
    const start = Math.max(end - windowPositions, 0);
    // Memory is a convenience: what cannot be read now is read when somebody asks for it.
    const events = await readWindow(db, epoch, start, end, tail.room).catch(() => undefined);
    if (!events) break;
    tail.prepend(events, start);
    end = start;
  }
  return tail;
}

/** `undefined`: they are not all kept, not of this history, or more than there is room for. */
async function readWindow(
  db: Executor,
  epoch: string,
  start: number,
  end: number,
  room: number,
): Promise<WireEvent[] | undefined> {
  const events: WireEvent[] = [];
  let bytes = 0;
  for (let after = start; after < end;) {
    const page = await readRange(db, after, end);
    if (page.epoch !== epoch || page.floor > start + 1) return undefined;
    for (const entry of page.entries) {
      const { control } = entry;
      // What is below it may not have been replaced in the log yet.
      if (control?.tombstone) return undefined;
      if (control) continue;
      const { wire } = entry;
      bytes += sizeOf(wire);
      events.push(wire);
    }
    if (bytes > room) return undefined;
    after = page.to;
  }
  return events;
}
