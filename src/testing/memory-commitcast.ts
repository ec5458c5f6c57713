import { randomBytes } from 'node:crypto';
import type { CommitcastEvent } from '../core/event.ts';
import type { PendingEvent } from './memory-outbox.ts';
import { MemorySubscriber, type ConnectOptions } from './memory-subscriber.ts';
import { MemoryTransaction, type OnQuery } from './memory-transaction.ts';

/** A double for unit tests: no database, no server, the same rules of commit, order, rooms and cursor. */
export interface MemoryCommitcast {
  /** What was committed, in order. */
  readonly events: readonly CommitcastEvent[];
  /** Runs the work. What it appends is committed when it resolves; nothing of it when it rejects. */
  transaction<Result>(work: (tx: MemoryTransaction) => Promise<Result>): Promise<Result>;
  /** A subscriber: live after the current tick, so that listeners can be attached first. */
  connect(options: ConnectOptions): MemorySubscriber;
  /** Forgets the events and closes all subscribers. A cursor of before is of an unknown epoch. */
  reset(): void;
}

/**
 * For unit tests of business code that appends, and of code that follows events. `append` takes its transactions
 * unchanged, and refuses what it always refuses. When `transaction` returns, its subscribers have been told.
 *
 * It does not stand in for an integration test: there are no locks, so two transactions commit in the order in which
 * their work ends, and no network, so nobody is ever slow or cut off.
 *
 * @param options.onQuery answers the statements of the business itself; without it they reject with `UNEXPECTED_QUERY`
 *
 * @example
 * const memory = memoryCommitcast();
 * await memory.transaction((tx) => openDoor(tx, 'truck-7'));
 * assert.equal(memory.events[0].type, 'door.opened');
 */
export function memoryCommitcast({ onQuery }: { onQuery?: OnQuery } = {}): MemoryCommitcast {
  let log = emptyLog();
  let subscribers = new Set<MemorySubscriber>();

  const publish = (pending: readonly PendingEvent[]) => {
    if (pending.length === 0) return;
    for (const { id, ...rest } of pending) log.events.push({ position: log.events.length + 1, id, ...rest });
    for (const subscriber of subscribers) subscriber.deliver();
  };
  return {
    get events() {
      return structuredClone(log.events);
    },
    async transaction(work) {
      const tx = new MemoryTransaction(onQuery);
      try {
        const result = await work(tx);
        publish(tx.commit());
        return result;
      } finally {
        tx.rollback();
      }
    },
    connect(options) {
      const subscriber = new MemorySubscriber(log, options);
      subscribers.add(subscriber);
      return subscriber;
    },
    reset() {
      for (const subscriber of subscribers) subscriber.close();
      subscribers = new Set();
      log = emptyLog();
    },
  };
}

function emptyLog(): { epoch: string; events: CommitcastEvent[] } {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  const epoch = Array.from(randomBytes(8), (byte) => alphabet[byte % 32]).join('');
  return { epoch, events: [] };
}
