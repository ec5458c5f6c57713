import type { CommitcastEvent } from '../core/event.ts';
import { emptyLog, isEvent, isRevocation, type MemoryRevocation, type Pending } from './memory-log.ts';
import { MemorySubscriber, type ConnectOptions } from './memory-subscriber.ts';
import { MemoryTransaction, type OnQuery } from './memory-transaction.ts';

/** A double for unit tests: no database, no server, the same rules of commit, order, rooms and cursor. */
export interface MemoryCommitcast {
  /** What was committed, in order. Positions rise; a revocation takes one, too. */
  readonly events: readonly CommitcastEvent[];
  /** Whose rights were taken away, in order. */
  readonly revocations: readonly MemoryRevocation[];
  /** Runs the work. What it appends and revokes is committed when it resolves; nothing of it when it rejects. */
  transaction<Result>(work: (tx: MemoryTransaction) => Promise<Result>): Promise<Result>;
  /** A subscriber: live after the current tick, so that listeners can be attached first. */
  connect(options: ConnectOptions): MemorySubscriber;
  /** Forgets events and revocations, and closes all subscribers. A cursor of before is of an unknown epoch. */
  reset(): void;
}

/**
 * For unit tests of business code that appends or revokes, and of code that follows events. `append` and `revoke` take
 * its transactions unchanged, and refuse what they always refuse. When `transaction` returns, its subscribers have been told.
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

  const publish = (pending: readonly Pending[]) => {
    if (pending.length === 0) return;
    for (const said of pending) log.entries.push({ position: log.entries.length + 1, ...said });
    for (const subscriber of subscribers) subscriber.deliver();
  };
  return {
    get events() {
      return structuredClone(log.entries.filter(isEvent));
    },
    get revocations() {
      return structuredClone(log.entries.filter(isRevocation));
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
