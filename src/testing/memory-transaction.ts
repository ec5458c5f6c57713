import { randomUUID } from 'node:crypto';
import type { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { CommitcastError } from '../core/errors.ts';
import type { Pending } from './memory-log.ts';
import { appendedBy, maxEvents, revokedBy, toPending } from './memory-outbox.ts';
import { TestingError } from './testing-error.ts';

/** Answers the statements of the business itself. */
export type OnQuery = (
  text: string,
  values: readonly unknown[],
) => { rows: unknown[] } | Promise<{ rows: unknown[] }>;

const dialect = new PgDialect();

/** A transaction that `append` and `revoke` take, over `query` as over drizzle's `execute`. What they say waits for its end. */
export class MemoryTransaction {
  readonly #onQuery: OnQuery | undefined;
  readonly #pending: Pending[] = [];
  #state: 'open' | 'aborted' | 'over' = 'open';
  #cause: unknown;

  constructor(onQuery: OnQuery | undefined) {
    this.#onQuery = onQuery;
  }

  async query(text: string, values: unknown[] = []): Promise<{ rows: unknown[] }> {
    if (this.#state === 'over')
      throw new TestingError('TRANSACTION_OVER', 'the transaction has ended: was something not awaited?');
    this.#refuseAborted();
    try {
      const events = appendedBy(text, values);
      if (events) {
        const pending = events.map(toPending);
        this.#insert(pending);
        return { rows: pending.map(({ id }) => ({ id })) };
      }
      const revocation = revokedBy(text, values);
      if (revocation) {
        this.#insert([revocation]);
        return { rows: [{ id: randomUUID() }] };
      }
      if (this.#onQuery) return await this.#onQuery(text, values);
      throw new TestingError(
        'UNEXPECTED_QUERY',
        `there is no database here; answer the statement with memoryCommitcast({ onQuery }): ${text.trim().slice(0, 200)}`,
      );
    } catch (error) {
      // As in Postgres: after a failed statement a transaction can only be rolled back.
      this.#state = 'aborted';
      this.#cause = error;
      throw error;
    }
  }

  execute(query: SQL): Promise<{ rows: unknown[] }> {
    const { sql, params } = dialect.sqlToQuery(query);
    return this.query(sql, params);
  }

  /** Ends it; returns what it has to say. */
  commit(): Pending[] {
    this.#refuseAborted();
    this.#state = 'over';
    return this.#pending;
  }

  rollback(): void {
    this.#state = 'over';
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
