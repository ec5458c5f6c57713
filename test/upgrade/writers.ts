import { Client } from 'pg';
import { supportName } from '../support/administer.ts';
import type { Span } from '../support/history-checker.ts';
import type { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import { runTurn, sharedRows, tables } from './transaction.ts';

export interface WriterOptions {
  readonly url: string;
  readonly random: Random;
  /** Whether the schema has streams with versions already. */
  readonly streams: boolean;
  /** Default: 4. */
  readonly writers?: number;
}

/** Writers on connections of their own that never pause; the first transaction that fails ends them all. */
export interface UpgradeWriters {
  /** Of the transactions that committed. */
  readonly spans: ReadonlyMap<string, Span>;
  /** The longest transaction so far, in milliseconds: how long the migration held somebody up. */
  readonly longestMs: number;
  /** Resolves when each writer has ended so many more transactions. Rejects when one has failed. */
  goOn(more: number): Promise<void>;
  /** Ends them after the transactions in hand. Rejects when one has failed. */
  stop(): Promise<void>;
}

/** Makes what the writers write to, beside the log. */
export async function prepareBusiness(client: Client, writers = 4): Promise<void> {
  await client.query(tables);
  await client.query(`insert into upgrade.hot (id) select generate_series(1, ${sharedRows})`);
  await client.query(`insert into upgrade.hot (id) select 1000 + generate_series(0, ${writers - 1})`);
}

export function startWriters({ url, random, streams, writers = 4 }: WriterOptions): UpgradeWriters {
  const stop = new AbortController();
  const spans = new Map<string, Span>();
  const ended = Array.from({ length: writers }, () => 0);
  let longestMs = 0;

  const work = async (writer: number, own: Random) => {
    const client = new Client({ connectionString: url, application_name: supportName });
    client.on('error', () => undefined);
    await client.connect();
    try {
      for (let sequence = 1; !stop.signal.aborted; sequence++) {
        const began = performance.now();
        const id = await runTurn(client, { random: own, writer, sequence, streams });
        const committed = performance.now();
        longestMs = Math.max(longestMs, committed - began);
        if (id !== undefined) spans.set(id, { began, committed });
        ended[writer] = sequence;
      }
    } catch (error) {
      throw new Error(`A transaction of writer ${writer} failed: ${String(error)}`, { cause: error });
    } finally {
      stop.abort();
      await client.end();
    }
  };
  const finished = Promise.all(ended.map((_, writer) => work(writer, random.fork())));
  finished.catch(() => undefined);

  return {
    spans,
    get longestMs() {
      return longestMs;
    },
    async goOn(more) {
      const goals = ended.map((count) => count + more);
      await until(() => stop.signal.aborted || ended.every((count, n) => count >= (goals[n] ?? 0)), {
        message: `${more} more transactions of each writer`,
        timeoutMs: 120_000,
      });
      if (stop.signal.aborted) await finished;
    },
    async stop() {
      stop.abort();
      await finished;
    },
  };
}
