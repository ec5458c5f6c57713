import type { Client } from 'pg';
import type { NewEvent } from '../../src/core/event.ts';
import { sqlStateOf } from '../../src/db/sql-state.ts';
import { append } from '../../src/log/append.ts';
import type { TestDatabase } from '../support/database.ts';
import type { Random } from '../support/random.ts';
import { connectWriter, type WriterSession } from '../support/run-transaction.ts';
import { pidOf } from '../support/transactions.ts';
import { until } from '../support/until.ts';
import { book, chooseCommand, type Command } from './accounts.ts';

export interface AccountRun {
  /** Keys of commands whose commit was answered. */
  acknowledged: string[];
  /** Attempts, by what became of them, and what they tried. */
  counts: Record<string, number>;
}

/** Writers on connections of their own; each does its commands one after another, each until it is acknowledged. */
export async function runAccountWriters(
  database: TestDatabase,
  random: Random,
  { writers, commands }: { writers: number; commands: number },
): Promise<AccountRun> {
  const run: AccountRun = { acknowledged: [], counts: {} };
  const work = async (own: Random) => {
    const writer = new AccountWriter(database, own, run.counts);
    try {
      for (let n = 0; n < commands; n += 1) {
        const command = chooseCommand(own);
        while (!(await writer.attempt(command))) count(run.counts, 'retries');
        run.acknowledged.push(command.key);
      }
    } finally {
      await writer.end();
    }
  };
  await Promise.all(Array.from({ length: writers }, () => work(random.fork())));
  return run;
}

/** A refusal that is promised, a deadlock of the business rows; all else is the end of the connection. */
const again = new Set(['undone', 'VERSION_CONFLICT', '40001', '40P01']);

class AccountWriter {
  readonly #database: TestDatabase;
  readonly #random: Random;
  readonly #counts: Record<string, number>;
  #session: WriterSession | undefined;

  constructor(database: TestDatabase, random: Random, counts: Record<string, number>) {
    this.#database = database;
    this.#random = random;
    this.#counts = counts;
  }

  /** True when the commit was answered. */
  async attempt(command: Command): Promise<boolean> {
    const session = (this.#session ??= await connectWriter(this.#database.url));
    try {
      await this.#transact(session.client, command);
      count(this.#counts, 'committed');
      return true;
    } catch (error) {
      const state = error === undone ? 'undone' : (sqlStateOf(error) ?? String(error));
      if (!again.has(state)) {
        await until(() => session.lost, { timeoutMs: 5_000, message: `a lost connection, after ${state}` });
      }
      count(this.#counts, again.has(state) ? state : 'connection lost');
      await session.client.query('rollback').catch(() => this.end());
      return false;
    }
  }

  async end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.client.end().catch(() => undefined);
  }

  async #transact(client: Client, command: Command): Promise<void> {
    const random = this.#random;
    const level = random.pick(['read committed', 'read committed', 'repeatable read', 'serializable']);
    await client.query(`begin isolation level ${level}`);
    if (random.chance(0.05)) await client.query('set local session_replication_role = replica');
    if (random.chance(0.04)) {
      void this.#terminate(client);
      count(this.#counts, 'killed at some moment');
    }
    const expected = await this.#expect(client, command);
    const given = command.events.every(({ id }) => id !== undefined);
    if (random.chance(0.1)) {
      await client.query('savepoint s');
      await append(client, { ...command.events[0], type: 'taken.back' } as NewEvent);
      if (random.chance(0.5)) await client.query('set constraints all immediate');
      await client.query('rollback to s');
    }
    if (given && random.chance(0.3)) {
      // The rows of the business first: who comes the other way round may be in a deadlock with this one.
      const ids = command.events.map(({ id }) => id ?? '');
      await book(client, command, ids, expected);
      await this.#append(client, command, expected);
    } else {
      const ids = await this.#append(client, command, expected);
      if (random.chance(0.2))
        await client.query('set constraints all immediate; set constraints all deferred');
      await book(client, command, ids, expected);
    }
    if (random.chance(0.1)) await client.query('insert into model.child values (1)');
    if (random.chance(0.15)) await client.query('set constraints all immediate');
    if (random.chance(0.05)) throw undone;
    await this.#commit(client);
  }

  async #append(client: Client, command: Command, expected: ReadonlyMap<string, number>): Promise<string[]> {
    const { key, events } = command;
    const expecting = events.map((event) => {
      const version = expected.get(event.stream);
      return version === undefined ? event : { ...event, expectedVersion: version };
    });
    return append(client, expecting, { key });
  }

  /** For some of the streams, the version that is seen without a lock; now and then a wrong one. */
  async #expect(client: Client, { org, events }: Command): Promise<Map<string, number>> {
    const expected = new Map<string, number>();
    for (const stream of new Set(events.map((event) => event.stream))) {
      if (!this.#random.chance(0.6)) continue;
      const { rows } = await client.query<{ version: number }>(
        'select coalesce(max(version), 0)::int as version from commitcast.log where org_id = $1 and stream = $2',
        [org, stream],
      );
      const version = (rows[0]?.version ?? 0) + (this.#random.chance(0.05) ? this.#random.pick([-1, 1]) : 0);
      expected.set(stream, Math.max(version, 0));
    }
    return expected;
  }

  #terminate(client: Client): Promise<unknown> {
    return this.#database.pool.query('select pg_terminate_backend($1)', [pidOf(client)]);
  }

  async #commit(client: Client): Promise<void> {
    const fate = this.#random.below(20);
    if (fate === 0) {
      await this.#terminate(client);
      count(this.#counts, 'killed before the commit');
    }
    const answered = client.query('commit');
    answered.catch(() => undefined);
    if (fate === 1) {
      await this.#terminate(client);
      count(this.#counts, 'killed at the commit');
    } else if (fate === 2) {
      // It is sent with the next turn of the event loop; the answer finds nobody.
      setImmediate(() =>
        (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy(),
      );
      count(this.#counts, 'answer lost');
    }
    await answered;
  }
}

const undone = new Error('The writer changed its mind');

function count(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}
