import { randomBytes } from 'node:crypto';
import type { CommitcastEvent } from '../core/event.ts';
import type { Revocation } from '../log/revoke.ts';
import { emptyTables, type MemoryTables } from './memory-tables.ts';

/** A right that was taken away, at its place in the order. */
export interface MemoryRevocation extends Revocation {
  position: number;
}

/** An event; or a revocation, which takes a position as the control event does, and is delivered to nobody. */
export type LogEntry = CommitcastEvent | MemoryRevocation;

/** What a transaction has to say: an entry without its place in the log. */
export type Pending = PendingEvent | Revocation;
export type PendingEvent = Omit<CommitcastEvent, 'position'>;

/** The log of the double: the entry of position n has index n - 1. */
export interface MemoryLog {
  readonly epoch: string;
  readonly entries: LogEntry[];
  readonly tables: MemoryTables;
}

export function emptyLog(): MemoryLog {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  const epoch = Array.from(randomBytes(8), (byte) => alphabet[byte % 32]).join('');
  return { epoch, entries: [], tables: emptyTables() };
}

export function isEvent(entry: LogEntry): entry is CommitcastEvent {
  return 'type' in entry;
}

export function isRevocation(entry: LogEntry): entry is MemoryRevocation {
  return !isEvent(entry);
}
