import type { Client } from 'pg';
import { VersionConflictError } from '../../src/core/errors.ts';
import type { NewEvent } from '../../src/core/event.ts';
import { sleep } from '../../src/core/sleep.ts';
import { append } from '../../src/log/append.ts';
import type { Span } from '../support/history-checker.ts';
import type { Random } from '../support/random.ts';
import { connectWriter, expectedFailures, type WriterSession } from '../support/run-transaction.ts';
import { orgs } from '../support/trap-transactions.ts';
import { until } from '../support/until.ts';
import { sqlStateOf } from '../../src/db/sql-state.ts';
import { writerName } from './load.ts';

const firstWriter = 5_000;
/** Few enough streams that writers are in each other's way. */
const streamsPerOrg = 3;
/** Of each org, one stream more: some of its events cannot be handled until they are mended. */
const poisonStream = 'poison';
const poisonShare = 0.15;
const writers = 3;
const pauseMs = 300;

export interface StreamCounts {
  appends: number;
  conflicts: number;
  /** Of appends with a key that were done again: the answer never came, or just so. */
  retries: number;
  /** What `append` should not have done. */
  problems: string[];
}

interface Plan {
  transaction: string;
  writer: number;
  sequence: number;
  org: string;
  stream: string;
  events: (NewEvent & { id: string })[];
  key: string | undefined;
  /** What it expects of the stream's version; `stale`: what it was one event before. */
  expects: 'any' | 'known' | 'stale';
  /** Told to come again, although it has had its answer. */
  repeats: boolean;
}

interface StreamLoadOptions {
  url: string;
  random: Random;
  spans: Map<string, Span>;
  signal: AbortSignal;
}

/** Writers of streams: with the version that they have seen, with a key, and again when the answer is lost. */
export function startStreamLoad({ url, random, spans, signal }: StreamLoadOptions): {
  counts: StreamCounts;
  finished: Promise<void>;
} {
  const counts: StreamCounts = { appends: 0, conflicts: 0, retries: 0, problems: [] };
  const work = async (writer: number, own: Random) => {
    let session: WriterSession | undefined;
    const attempt = async (plan: Plan): Promise<'done' | 'lost'> => {
      session ??= await until(() => connectWriter(url, writerName), { message: 'a connection to write' });
      const { client } = session;
      try {
        await appendPlanned(client, plan, counts);
        return 'done';
      } catch (error) {
        await client.query('rollback').catch(() => undefined);
        if (error instanceof VersionConflictError) counts.conflicts++;
        else if (!expectedFailures.has(sqlStateOf(error) ?? '')) {
          const lost = () => session?.lost;
          await until(lost, {
            timeoutMs: 5_000,
            message: `the writer to lose its connection, after ${String(error)}`,
          });
          await client.end().catch(() => undefined);
          session = undefined;
          return 'lost';
        }
        throw error;
      }
    };
    for (let sequence = 1; !signal.aborted; sequence++) {
      const plan = planAppend(own, writer, sequence);
      const began = performance.now();
      // Committed or not, until the answer says so.
      spans.set(plan.transaction, { began, committed: Infinity });
      try {
        let outcome = await attempt(plan);
        while (plan.key !== undefined && (outcome === 'lost' || plan.repeats)) {
          plan.repeats = false;
          counts.retries++;
          outcome = await attempt(plan);
        }
        if (outcome === 'done') spans.set(plan.transaction, { began, committed: performance.now() });
      } catch {
        // Somebody else was faster, as may be: nothing was written.
      }
      await sleep(pauseMs * 2 * own.fraction(), signal);
    }
    await session?.client.end().catch(() => undefined);
  };
  const each = Array.from({ length: writers }, (_, index) => work(firstWriter + index, random.fork()));
  const finished = Promise.all(each).then(() => undefined);
  finished.catch(() => undefined);
  return { counts, finished };
}

function planAppend(random: Random, writer: number, sequence: number): Plan {
  const org = random.pick(orgs);
  const number = random.below(streamsPerOrg + 1);
  const stream = number === streamsPerOrg ? poisonStream : `order-${number}`;
  const draw = random.fraction();
  const key = random.chance(0.4) ? random.uuid() : undefined;
  const events = Array.from({ length: 1 + random.below(3) }, () => ({
    id: random.uuid(),
    type: 'ordered',
    org,
    stream,
    data: { writer, sequence, poison: stream === poisonStream && random.chance(poisonShare) },
  }));
  return {
    transaction: random.uuid(),
    writer,
    sequence,
    org,
    stream,
    events,
    key,
    expects: draw < 0.3 ? 'any' : draw < 0.9 ? 'known' : 'stale',
    repeats: random.chance(0.2),
  };
}

async function appendPlanned(client: Client, plan: Plan, counts: StreamCounts): Promise<void> {
  const { transaction, writer, sequence, org, stream, events, key, expects } = plan;
  const { rows } = await client.query<{ version: number }>(
    'select version::float8 as version from commitcast.stream where org_id = $1 and stream = $2',
    [org, stream],
  );
  const known = rows[0]?.version ?? 0;
  const isStale = expects === 'stale' && known > 0;
  const expectedVersion = expects === 'any' ? 'any' : isStale ? known - 1 : known === 0 ? 'none' : known;
  await client.query('begin');
  const ids = await append(
    client,
    events.map((event) => ({ ...event, expectedVersion })),
    key === undefined ? {} : { key },
  );
  const { rows: added } = await client.query(
    // The stream is ours until the transaction ends: its version is that of the last event.
    `insert into model.fact (id, turn, org, transaction, writer, sequence, row, version)
     select id::uuid, n - 1, $2, $3, $4, $5, 'stream ' || stream, version - cardinality($1::text[]) + n
     from commitcast.stream cross join unnest($1::text[]) with ordinality said (id, n)
     where org_id = $2 and stream = $6
     on conflict (id) do nothing returning 1`,
    [ids, org, transaction, writer, sequence, stream],
  );
  await client.query('commit');
  counts.appends++;
  if (ids.join() !== events.map(({ id }) => id).join())
    counts.problems.push(`${stream} of ${org}: an append returned ids that are not its own`);
  if (isStale && added.length > 0)
    counts.problems.push(
      `${stream} of ${org}: an append that expected version ${known - 1} was taken at ${known}`,
    );
}
