import type { CommitcastEvent } from '../core/event.ts';
import {
  emptyLog,
  isEvent,
  isRevocation,
  type MemoryLog,
  type MemoryRevocation,
  type Pending,
} from './memory-log.ts';
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
  /** One statement, as on a pool: in a transaction of its own. So `readStream` and `loadState` take the double itself. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** A subscriber: live after the current tick, so that listeners can be attached first. */
  connect(options: ConnectOptions): MemorySubscriber;
  /**
   * Forgets events, revocations, streams and keys, and closes all subscribers. A cursor of before is of an unknown epoch;
   * what a transaction of before commits is forgotten as well.
   */
  reset(): void;
}

/**
 * For unit tests of business code that appends or revokes, and of code that follows events. `append`, `revoke`, `once`,
 * `readStream`, `loadState` and `execute` take its transactions unchanged, and refuse what they always refuse. When
 * `transaction` returns, its subscribers have been told.
 *
 * Streams and keys are locked as in the database: of two transactions that append to one stream, or have one key, the
 * second waits until the first has ended, and two that wait for each other are a deadlock (SQLSTATE 40P01). A transaction
 * that waits for another one inside its own work waits for ever, as there.
 *
 * It does not stand in for an integration test: there are no other locks, so two transactions commit in the order in
 * which their work ends, and no network, so nobody is ever slow or cut off. Keys are never forgotten.
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

  const publish = (pending: readonly Pending[], { entries }: MemoryLog) => {
    if (pending.length === 0) return;
    for (const said of pending) entries.push({ position: entries.length + 1, ...said });
    for (const subscriber of subscribers) subscriber.deliver();
  };
  const transaction: MemoryCommitcast['transaction'] = async (work) => {
    const begun = log;
    const tx = new MemoryTransaction(begun, onQuery);
    try {
      const result = await work(tx);
      await tx.commit((pending) => {
        publish(pending, begun);
      });
      return result;
    } finally {
      await tx.rollback();
    }
  };
  return {
    get events() {
      return structuredClone(log.entries.filter(isEvent));
    },
    get revocations() {
      return structuredClone(log.entries.filter(isRevocation));
    },
    transaction,
    query: (text, values) => transaction((tx) => tx.query(text, values)),
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
