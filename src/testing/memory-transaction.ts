import { randomUUID } from 'node:crypto';
import type { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { CommitcastError } from '../core/errors.ts';
import { appendIn, lockStreams } from './memory-append.ts';
import type { LogEntry, MemoryLog, Pending } from './memory-log.ts';
import { appendedBy, lockedBy, markedBy, maxEvents, revokedBy } from './memory-outbox.ts';
import { asksForSaved, nothingSaved, streamReadBy, streamRows } from './memory-read.ts';
import { TablesOfTransaction } from './memory-tables.ts';
import { TestingError } from './testing-error.ts';

/** Answers the statements of the business itself. */
export type OnQuery = (
  text: string,
  values: readonly unknown[],
) => { rows: unknown[] } | Promise<{ rows: unknown[] }>;

const dialect = new PgDialect();

/**
 * A transaction that `append`, `revoke`, `once`, `readStream`, `loadState` and `execute` take, over `query` as over
 * drizzle's `execute`. What they say waits for its end. Their statements run one after the other, as on a connection.
 */
export class MemoryTransaction {
  readonly #onQuery: OnQuery | undefined;
  readonly #entries: readonly LogEntry[];
  readonly #tables: TablesOfTransaction;
  readonly #pending: Pending[] = [];
  #state: 'open' | 'aborted' | 'over' = 'open';
  #cause: unknown;
  /** The last statement of ours while there is one under way; never rejects. */
  #last: Promise<void> | undefined;

  constructor({ entries, tables }: MemoryLog, onQuery: OnQuery | undefined) {
    this.#entries = entries;
    this.#tables = new TablesOfTransaction(tables);
    this.#onQuery = onQuery;
  }

  async query(text: string, values: unknown[] = []): Promise<{ rows: unknown[] }> {
    if (this.#state === 'over')
      throw new TestingError('TRANSACTION_OVER', 'the transaction has ended: was something not awaited?');
    const ours = this.#statement(text, values);
    if (!ours) return this.#run(() => this.#answer(text, values));
    const result = this.#last ? this.#last.then(() => this.#run(ours)) : this.#run(ours);
    const done = () => {
      if (this.#last === last) this.#last = undefined;
    };
    const last = result.then(done, done);
    this.#last = last;
    return result;
  }

  execute(query: SQL): Promise<{ rows: unknown[] }> {
    const { sql, params } = dialect.sqlToQuery(query);
    return this.query(sql, params);
  }

  /**
   * Ends it: when its statements have run, and in the same tick if none is under way. `publish` is told what it has to
   * say, before anybody else goes on.
   */
  async commit(publish: (pending: readonly Pending[]) => void): Promise<void> {
    if (this.#last) await this.#last;
    this.#refuseAborted();
    this.#state = 'over';
    this.#tables.commit();
    publish(this.#pending);
  }

  /** After a commit, nothing. */
  async rollback(): Promise<void> {
    if (this.#last) await this.#last;
    this.#state = 'over';
    this.#tables.rollback();
  }

  /** What a statement of Commitcast does here; `undefined` for any other. */
  #statement(text: string, values: readonly unknown[]): (() => Promise<{ rows: unknown[] }>) | undefined {
    const appended = appendedBy(text, values);
    if (appended)
      return async () => {
        const { ids, pending } = await appendIn(this.#tables, appended);
        this.#insert(pending);
        return { rows: ids.map((id) => ({ id })) };
      };
    const streams = lockedBy(text, values);
    if (streams)
      return async () => {
        await lockStreams(this.#tables, streams);
        return { rows: [] };
      };
    const revocation = revokedBy(text, values);
    if (revocation)
      return () => {
        this.#insert([revocation]);
        return Promise.resolve({ rows: [{ id: randomUUID() }] });
      };
    const key = markedBy(text, values);
    if (key !== undefined)
      return async () => {
        const known = this.#tables.inbox.read(key) ?? (await this.#tables.inbox.lock(key));
        this.#tables.inbox.write(true, key);
        return { rows: [{ first: known === undefined }] };
      };
    const read = streamReadBy(text, values);
    if (read) return () => Promise.resolve({ rows: streamRows(this.#entries, this.#tables, read) });
    if (asksForSaved(text)) return () => Promise.resolve({ rows: [nothingSaved] });
    return undefined;
  }

  #answer(text: string, values: readonly unknown[]): ReturnType<OnQuery> {
    if (this.#onQuery) return this.#onQuery(text, values);
    throw new TestingError(
      'UNEXPECTED_QUERY',
      `there is no database here; answer the statement with memoryCommitcast({ onQuery }): ${text.trim().slice(0, 200)}`,
    );
  }

  /** As in Postgres: after a failed statement a transaction can only be rolled back, and holds nothing any more. */
  async #run(work: () => ReturnType<OnQuery>): Promise<{ rows: unknown[] }> {
    this.#refuseAborted();
    try {
      return await work();
    } catch (error) {
      this.#state = 'aborted';
      this.#cause = error;
      this.#tables.rollback();
      throw error;
    }
  }

  #insert(pending: readonly Pending[]): void {
    if (this.#pending.length + pending.length > maxEvents)
      throw new CommitcastError(
        'TOO_MANY_EVENTS',
        `the limit of one transaction is reached (${maxEvents} events)`,
      );
    this.#pending.push(...pending);
  }

  /** Postgres would turn the COMMIT into a rollback without a word. A double says it. */
  #refuseAborted(): void {
    if (this.#state !== 'aborted') return;
    this.#state = 'over';
    throw new TestingError(
      'TRANSACTION_ABORTED',
      'a statement before has failed, so the transaction can only be rolled back',
      { cause: this.#cause },
    );
  }
}
