import { onTestFinished } from 'vitest';
import type { Span } from './history-checker.ts';
import type { Random } from './random.ts';
import { connectWriter, expectedFailures, runTransaction } from './run-transaction.ts';
import { planTransaction, type TrapTransaction } from './trap-transactions.ts';
import { until } from './until.ts';

export interface WriterOptions {
  url: string;
  random: Random;
  /** Transactions to run in all, whatever becomes of them. */
  transactions: number;
  /** Default: 32. */
  writers?: number;
  /** Transactions that may begin before `allow` is called; by default all. */
  allowed?: number;
}

export interface WriterCounts {
  committed: number;
  rolledBack: number;
  /** The connection was lost before the answer came. */
  unknown: number;
  /** By SQLSTATE. */
  failed: Record<string, number>;
  /** Traps of the transactions that were committed. */
  traps: Record<string, number>;
}

/** Writers on connections of their own, one transaction after another, each with traps. */
export interface Writers {
  readonly counts: WriterCounts;
  /** Per transaction that was committed, or may have been. */
  readonly spans: ReadonlyMap<string, Span>;
  /** Transactions that have ended. */
  readonly ended: number;
  /** Lets so many transactions begin, in all. */
  allow(transactions: number): void;
  /** Resolves when so many transactions have ended, or all. */
  reached(ended: number): Promise<void>;
  /** Resolves when all have run. Rejects for a failure that is none of the traps'. */
  readonly finished: Promise<void>;
}

export function startWriters({
  url,
  random,
  transactions,
  writers = 32,
  allowed = transactions,
}: WriterOptions): Writers {
  const counts: WriterCounts = { committed: 0, rolledBack: 0, unknown: 0, failed: {}, traps: {} };
  const spans = new Map<string, Span>();
  let begun = 0;
  let ended = 0;
  let limit = allowed;
  const stop = new AbortController();

  const work = async (writer: number, own: Random) => {
    let session = await connectWriter(url);
    try {
      for (let sequence = 1; !stop.signal.aborted && begun < transactions; sequence++) {
        if (begun >= limit) {
          await until(() => stop.signal.aborted || begun < limit, {
            message: 'leave to go on',
            timeoutMs: 120_000,
          });
          continue;
        }
        begun++;
        const plan = planTransaction({ random: own, writer, sequence });
        const began = performance.now();
        const state = await runTransaction(session.client, plan);
        if (state === undefined) {
          count(counts, plan);
          if (plan.commits) spans.set(plan.id, { began, committed: performance.now() });
        } else if (expectedFailures.has(state)) {
          counts.failed[state] = (counts.failed[state] ?? 0) + 1;
          await session.client.query('rollback').catch(() => undefined);
        } else {
          await until(() => session.lost, {
            timeoutMs: 5_000,
            message: `writer ${writer} to lose its connection, after ${state}`,
          });
          counts.unknown++;
          if (plan.commits) spans.set(plan.id, { began, committed: Infinity });
          await session.client.end().catch(() => undefined);
          session = await until(() => connectWriter(url), { message: 'the database to be back' });
        }
        ended++;
      }
    } finally {
      await session.client.end().catch(() => undefined);
    }
  };

  const finished = Promise.all(
    Array.from({ length: writers }, (_, writer) => work(writer, random.fork())),
  ).then(
    () => undefined,
    (error: unknown) => {
      stop.abort();
      throw error;
    },
  );
  finished.catch(() => undefined);
  onTestFinished(async () => {
    stop.abort();
    await finished.catch(() => undefined);
  });
  return {
    counts,
    spans,
    finished,
    get ended() {
      return ended;
    },
    allow(more) {
      limit = more;
    },
    async reached(wanted) {
      const goal = Math.min(wanted, transactions);
      await until(() => stop.signal.aborted || ended >= goal, {
        message: `${goal} transactions to end`,
        timeoutMs: 120_000,
      });
      if (ended < goal) await finished;
    },
  };
}

function count(counts: WriterCounts, { commits, traps }: TrapTransaction): void {
  if (commits) counts.committed++;
  else counts.rolledBack++;
  if (commits) for (const trap of traps) counts.traps[trap] = (counts.traps[trap] ?? 0) + 1;
}
