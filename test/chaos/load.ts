import { Client } from 'pg';
import { sleep } from '../../src/core/sleep.ts';
import type { Span } from '../support/history-checker.ts';
import type { Random } from '../support/random.ts';
import {
  connectWriter,
  expectedFailures,
  runTransaction,
  type WriterSession,
} from '../support/run-transaction.ts';
import { orgs, planTransaction } from '../support/trap-transactions.ts';
import { until } from '../support/until.ts';

export const writerName = 'chaos-writer';

/** Writer numbers of those that are none of the writers with traps. */
const idleWriters = 1_000;

export interface LoadCounts {
  committed: number;
  rolledBack: number;
  /** The connection was lost before the answer came. */
  unknown: number;
  /** Conflicts, deadlocks and refused commits, as the traps mean them to be. */
  failed: number;
}

export interface LoadOptions {
  url: string;
  random: Random;
  writers: number;
  /** Transactions a second, together. */
  rate: number;
  /** Told when each transaction began and had committed. */
  spans: Map<string, Span>;
  /** No transaction begins after it. */
  signal: AbortSignal;
}

export interface Load {
  readonly counts: LoadCounts;
  /** Resolves when all have stopped. Rejects for a failure that is none of the traps'. */
  readonly finished: Promise<void>;
}

/** Writers on connections of their own, each one transaction with traps after another, whatever befalls them. */
export function startLoad({ url, random, writers, rate, spans, signal }: LoadOptions): Load {
  const counts: LoadCounts = { committed: 0, rolledBack: 0, unknown: 0, failed: 0 };
  const work = async (writer: number, own: Random) => {
    let session: WriterSession | undefined;
    for (let sequence = 1; !signal.aborted; sequence++) {
      session ??= await until(() => connectWriter(url, writerName), { message: 'a connection to write' });
      const plan = planTransaction({ random: own, writer, sequence });
      const began = performance.now();
      const state = await runTransaction(session.client, plan);
      if (state === undefined) {
        counts[plan.commits ? 'committed' : 'rolledBack']++;
        if (plan.commits) spans.set(plan.id, { began, committed: performance.now() });
      } else if (expectedFailures.has(state)) {
        counts.failed++;
        await session.client.query('rollback').catch(() => undefined);
      } else {
        const { client } = session;
        const lost = () => session?.lost;
        await until(lost, { timeoutMs: 5_000, message: `the writer to lose its connection, after ${state}` });
        counts.unknown++;
        if (plan.commits) spans.set(plan.id, { began, committed: Infinity });
        await client.end().catch(() => undefined);
        session = undefined;
      }
      await sleep(((writers * 1_000) / rate) * 2 * own.fraction() - (performance.now() - began), signal);
    }
    await session?.client.end().catch(() => undefined);
  };
  const finished = Promise.all(
    Array.from({ length: writers }, (_, index) => work(index + 1, random.fork())),
  ).then(() => undefined);
  finished.catch(() => undefined);
  return { counts, finished };
}

let idle = 0;

/** A transaction that has its event inserted and then does nothing for a while; it commits, or not. */
export async function idleTransaction(
  url: string,
  random: Random,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'chaos-idle' });
  client.on('error', () => undefined);
  const writer = idleWriters + ++idle;
  try {
    await client.connect();
    await client.query('begin');
    await client.query(`insert into model.unrelated values ('held open')`);
    await insertEvents(client, [
      { id: random.uuid(), transaction: random.uuid(), writer, sequence: 1, turn: 0, org: random.pick(orgs) },
    ]);
    await sleep(ms, signal);
    await client.query(random.chance(0.7) ? 'commit' : 'rollback');
  } catch {
    // Another fault has ended it: then nothing of it was committed, or the business rows say that it was.
  } finally {
    await client.end().catch(() => undefined);
  }
}

export interface PlainEvent {
  id: string;
  transaction: string;
  writer: number;
  sequence: number;
  turn: number;
  org: string;
  type?: string;
  /** Characters beside the few that every event has. */
  ballast?: number;
}

/** Events without traps, each with its business row, in one statement. */
export async function insertEvents(client: Client, events: readonly PlainEvent[]): Promise<void> {
  await client.query(
    `with said as (
       insert into model.fact (id, turn, org, transaction, writer, sequence, row, version)
       select id, turn, org, transaction, writer, sequence, 'of ' || id, 1
       from jsonb_to_recordset($1) e (id uuid, turn int, org text, transaction uuid, writer int, sequence int)
     )
     insert into commitcast.outbox (id, org_id, type, data)
     select id, org, coalesce(type, 'changed'), jsonb_build_object(
       'row', 'of ' || id, 'version', 1, 'writer', writer, 'sequence', sequence, 'ballast', repeat('x', ballast))
     from jsonb_to_recordset($1) e (id uuid, turn int, org text, type text, writer int, sequence int, ballast int)
     order by turn`,
    [JSON.stringify(events)],
  );
}
