import type { Client } from 'pg';
import { migrate } from '../../../../src/db/migrate.ts';
import { signToken } from '../../../support/tokens.ts';
import type { Bench, Measurement } from '../../harness/row.ts';
import { connectTo } from '../../support/connect-to.ts';
import { median, ms } from '../../support/samples.ts';
import { startServer } from '../../support/server.ts';
import { dispatched, epochOf } from '../../support/progress.ts';
import { total } from '../../support/wire.ts';
import { startReplayClient, type Replayed } from './client.ts';
import { noisyUnits, sizesOf, textLength } from './sizes.ts';

/*
 * First what the log has that this process of the server never saw: it has just been started. Then what is in its
 * memory, because it came while it ran. With and without noise is compared within the log, in turns: otherwise memory
 * would be held against the log, and not noise against silence.
 */
export async function measureOurs(bench: Bench): Promise<Measurement> {
  const { small, large, noise, repetitions } = sizesOf(bench);
  const client = startReplayClient(bench);
  const databaseUrl = await bench.database('replay');
  await migrate({ connectionString: databaseUrl });
  const db = await connectTo(bench, databaseUrl);
  bench.progress('filling the log');
  await fillLog(db, { unit: 'noisy', count: large, noise });
  const quietFrom = await headOf(db);
  await fillLog(db, { unit: 'quiet', count: large, noise: 0 });
  // As the leader of the server that ran before left it, and autovacuum.
  await db.query('update commitcast.relay set published = (select last_value from commitcast.position)');
  await db.query('vacuum analyze commitcast.log');
  await db.query('checkpoint');
  const server = await startServer(bench, { databaseUrl, adapter: 'memory' });
  const epoch = await epochOf(db);
  const token = await signToken();
  const all: Replayed[] = [];
  const replay = async (unit: string, from: number, expected: number) => {
    const auth = { token, cursor: `${epoch}-${from}`, subscriptions: [{ unit }] };
    const replayed = await client.replay({ url: server.url, auth, expected, until: 'live' });
    all.push(replayed);
    return ms(replayed.us);
  };

  bench.progress('replaying from the log');
  const restart = await replay('quiet', quietFrom, large);
  const quiet: number[] = [];
  const noisy: number[] = [];
  for (let n = 0; n < repetitions; n += 1) {
    const pair = [
      async () => quiet.push(await replay('quiet', quietFrom, large)),
      async () => noisy.push(await replay('noisy', 0, large)),
    ];
    for (const one of n % 2 === 0 ? pair : pair.reverse()) await one();
  }
  bench.progress('replaying from memory');
  const values: Record<string, number> = {
    restart,
    r10kLog: median(quiet),
    r10kNoise: median(noisy),
    noise: median(noisy.map((one, n) => one / (quiet[n] ?? NaN))),
  };
  for (const [metric, count] of Object.entries({ r1k: small, r10k: large })) {
    const from = await headOf(db);
    await append(db, metric, count);
    await dispatched(server.url, await headOf(db));
    const times: number[] = [];
    for (let n = 0; n < repetitions; n += 1) times.push(await replay(metric, from, count));
    values[metric] = median(times);
  }
  return { values, ...total(all), note: `${(all.at(-1)?.bytes ?? NaN) / 1_000} kB for ${large} events` };
}

async function headOf(db: Client): Promise<number> {
  const { rows } = await db.query<{ head: string }>(
    'select coalesce(max(position), 0) as head from commitcast.log',
  );
  return Number(rows[0]?.head);
}

/** As after their commits, without the time that these take: writing is not what is measured here. */
async function fillLog(db: Client, { unit, count, noise }: { unit: string; count: number; noise: number }) {
  await db.query(
    `insert into commitcast.log
       (position, id, org_id, unit_id, type, data, created_at, committed_at, timeline, log_oid, control, room)
     select nextval('commitcast.position'), gen_random_uuid(), 'acme',
       case when k % $3 = 0 then $1 else 'other-' || k % $4 end, 'bench.ticked',
       jsonb_build_object('n', k / $3, 'text', repeat('x', $5)), clock_timestamp(), clock_timestamp(),
       timeline, log_oid, false,
       commitcast.room_of('acme', null, case when k % $3 = 0 then $1 else 'other-' || k % $4 end)
     from generate_series(0, $2::int * $3::int - 1) k cross join commitcast.identity
     order by k`,
    [unit, count, 1 + Math.round(noise / count), noisyUnits, textLength],
  );
}

async function append(db: Client, unit: string, count: number): Promise<void> {
  await db.query(
    `insert into commitcast.outbox (org_id, unit_id, type, data)
     select 'acme', $1, 'bench.ticked', jsonb_build_object('n', k, 'text', repeat('x', $3))
     from generate_series(0, $2::int - 1) k`,
    [unit, count, textLength],
  );
}
