import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { ConsumerHandle } from '../../src/consumer/consumers.ts';
import { listConsumers, type ConsumerPartition } from '../../src/consumer/list-consumers.ts';
import type { ConsumeOptions } from '../../src/consumer/options.ts';
import type { PoolClient } from 'pg';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

/** A consumer that copies what it handles, and what operators of it see. */
export interface Operated {
  readonly database: TestDatabase;
  readonly url: string;
  readonly consumer: ConsumerHandle;
  /** Appends events of these data, of `acme` unless told otherwise. */
  readonly write: (data: readonly number[], event?: { org?: string; stream?: string }) => Promise<void>;
  /** The data that were copied, in the order of copying. */
  readonly copied: () => Promise<number[]>;
  readonly partition: () => Promise<ConsumerPartition>;
  /** Returns when the workers have looked at what operators want. */
  readonly heard: () => Promise<void>;
}

export interface OperatedOptions extends Omit<ConsumeOptions<PoolClient>, 'name' | 'db'> {
  name?: string;
  /** Called for each event before it is copied. */
  before?: (event: CommitcastEvent, signal: AbortSignal) => Promise<void> | void;
}

export async function operate({
  name = 'copy',
  before,
  ...options
}: OperatedOptions = {}): Promise<Operated> {
  const database = await createDatabase();
  const { pool } = database;
  await pool.query('create table public.copy (n int generated always as identity, data int)');
  const server = await startServer(database);
  const consumer = server.app.commitcast.consume(
    { name, reset: (tx) => tx.query('delete from copy'), ...options },
    async (tx: PoolClient, events, { signal }) => {
      for (const event of events) {
        await before?.(event, signal);
        await tx.query('insert into copy (data) values ($1)', [event.data]);
      }
    },
  );
  onTestFinished(() => consumer.stop());
  const partition = async () => {
    const all = await listConsumers(pool);
    return all.find((each) => each.name === name) ?? raise(`no consumer ${name}`);
  };
  const lease = async () => {
    const { rows } = await pool.query<{ at: string }>(
      'select min(expires_at)::text as at from commitcast.consumer_lease where name = $1',
      [name],
    );
    return rows[0]?.at;
  };
  await until(async () => (await partition()).alive, { message: 'a worker' });
  return {
    database,
    url: server.url,
    consumer,
    partition,
    async write(data, { org = 'acme', stream } = {}) {
      await append(
        pool,
        data.map((each) => ({
          org,
          type: 'note',
          data: each,
          ...(stream === undefined ? {} : { stream }),
        })),
      );
    },
    async copied() {
      const { rows } = await pool.query<{ data: number }>('select data from copy order by n');
      return rows.map(({ data }) => data);
    },
    // A look that began before may not have seen it; the second one has, and the third follows what it led to.
    async heard() {
      for (let look = 0; look < 3; look += 1) {
        const seen = await lease();
        await until(async () => (await lease()) !== seen, { message: 'a look of the worker' });
      }
    },
  };
}

export interface Gate {
  /** Resolves when somebody has come. */
  readonly reached: Promise<void>;
  /** Waits until it is open; or the consumer stops, which is an error then. */
  readonly pass: (signal: AbortSignal) => Promise<void>;
  readonly open: () => void;
}

export function createGate(): Gate {
  const opened = new AbortController();
  const arrived = new AbortController();
  return {
    reached: aborted(arrived.signal),
    async pass(signal) {
      arrived.abort();
      await aborted(AbortSignal.any([opened.signal, signal]));
      signal.throwIfAborted();
    },
    open: () => {
      opened.abort();
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

function raise(message: string): never {
  throw new Error(message);
}
