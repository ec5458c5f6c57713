import { drizzle } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import type { HandlerContext } from '../../src/consumer/options.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { sleep } from '../../src/core/sleep.ts';
import { rowsOf, type Executor } from '../../src/db/executor.ts';
import type { Commitcast } from '../../src/http/plugin.ts';
import { executorOf, type Transaction } from '../../src/log/transaction.ts';
import { createRandom, type Random } from '../support/random.ts';
import { consumerSpecs, isPoisoned, type ConsumerSpec } from './consumer-specs.ts';
import { foldInto } from './read-model.ts';

/** `application_name` of the pool that the drizzle handlers have. */
export const projectionName = 'chaos-projection';
const projectionConnections = 4;

/** So often a handler dawdles in mid-transaction, so that what befalls its process does so there. */
const dawdleShare = 0.2;
const dawdleMs = 40;
/** So often one that fails does so, after it has written. */
const failureShare = 0.005;

export interface ConsumerRun {
  /** By consumer: events that its handler was given in this process, whatever became of them. */
  readonly handed: Record<string, number>;
  close(): Promise<void>;
}

export interface ConsumerRunOptions {
  databaseUrl: string;
  seed: number;
  /** `false`: handlers write on a connection of their own, not in their transaction. */
  atomic: boolean;
}

/** Registers the run's consumers in an instance, each with the handler that folds events into its read model. */
export function runConsumers(
  { consume }: Commitcast,
  { databaseUrl, seed, atomic }: ConsumerRunOptions,
): ConsumerRun {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: projectionName,
    max: projectionConnections,
    connectionTimeoutMillis: 5_000,
  });
  pool.on('error', () => undefined);
  const db = drizzle(pool);
  const random = createRandom(seed);
  const handed: Record<string, number> = {};

  const work = (spec: ConsumerSpec, own: Random) => {
    handed[spec.name] = 0;
    return async (tx: Transaction, events: CommitcastEvent[], { signal }: HandlerContext) => {
      handed[spec.name] = (handed[spec.name] ?? 0) + events.length;
      const executor = atomic ? executorOf(tx) : pool;
      await foldInto(executor, spec.name, events, spec.laneOf);
      if (own.chance(dawdleShare)) await sleep(1 + own.below(dawdleMs), signal);
      if (!spec.fails) return;
      await refusePoison(executor, events);
      if (own.chance(failureShare)) throw new Error('this handler fails now and then');
    };
  };
  for (const spec of consumerSpecs) {
    const handler = work(spec, random.fork());
    const takeBack = (tx: Transaction) => executorOf(tx).query('select chaos.take_back($1)', [spec.name]);
    const options = { name: spec.name, ...spec.options, ...(spec.rebuildable ? { reset: takeBack } : {}) };
    if (spec.drizzle) consume({ ...options, db }, handler);
    else consume(options, handler);
  }
  return { handed, close: () => pool.end() };
}

async function refusePoison(db: Executor, events: readonly CommitcastEvent[]): Promise<void> {
  const poisoned = events.filter(isPoisoned);
  if (poisoned.length === 0) return;
  const [row] = await rowsOf<{ mended: number }>(
    db,
    'select coalesce(max(position), 0)::float8 as mended from chaos.mended',
  );
  const first = poisoned.find(({ position }) => position > (row?.mended ?? 0));
  if (first) throw new Error(`event ${first.position} is poisoned`);
}
