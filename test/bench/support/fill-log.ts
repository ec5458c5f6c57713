import type { Client } from 'pg';
import type { Bench } from '../harness/row.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { connectTo } from './connect-to.ts';

/** Less than the smallest partition, so that partitions which were made ahead are enough. */
const chunkEvents = 100_000;
/** Over which the events are spread: what was committed when decides how large partitions are. */
const days = 30;

export interface FilledLog {
  databaseUrl: string;
  /** A cursor after this position; `0`: before all. */
  cursorAt: (position: number) => string;
  /** A connection for as long as the measurement. */
  db: Client;
}

/**
 * A database whose log has the positions 1 to `events`, of the org `acme`, all of them settled: event `n` is one of unit
 * `u<n % units>` and site `s<n % 10>`, with `n` in its data. They are written into the log as its owner may: through
 * the outbox it would take five times as long, and come to the same rows.
 */
export async function fillLog(bench: Bench, events: number, { units = 100 } = {}): Promise<FilledLog> {
  const databaseUrl = await bench.database('log');
  await migrate({ connectionString: databaseUrl });
  const db = await connectTo(bench, databaseUrl);
  for (let last = 0; last < events; last += chunkEvents) {
    if (last > 0)
      bench.progress(`filling the log: ${last.toLocaleString('en')} of ${events.toLocaleString('en')}`);
    await db.query('begin');
    await db.query('select commitcast.make_partitions()');
    await db.query(insertSql, [last + 1, Math.min(last + chunkEvents, events), events, units]);
    await db.query(`select setval('commitcast.position', $1)`, [Math.min(last + chunkEvents, events)]);
    await db.query('commit');
  }
  await db.query('update commitcast.relay set published = $1', [events]);
  await db.query('select commitcast.make_partitions()');
  await db.query('vacuum analyze commitcast.log');
  await db.query('checkpoint');
  const { rows } = await db.query<{ epoch: string }>('select commitcast.open_epoch() as epoch');
  return { databaseUrl, cursorAt: (position) => `${rows[0]?.epoch}-${position}`, db };
}

const insertSql = `
  insert into commitcast.log
    (position, id, org_id, site_id, unit_id, type, data, created_at, committed_at, timeline, log_oid, control, room)
  select n, gen_random_uuid(), 'acme', 's' || n % 10, 'u' || n % $4::bigint, 'reading.recorded',
    jsonb_build_object('n', n, 'celsius', n % 40, 'humidity', n % 100, 'door', 'shut'), at, at, timeline, log_oid, false,
    commitcast.room_of('acme', 's' || n % 10, 'u' || n % $4::bigint)
  from generate_series($1::bigint, $2::bigint) n
    cross join lateral (select now() - make_interval(secs => ($3 - n)::float8 / $3 * ${days * 86_400}) as at) clock
    cross join commitcast.identity
  order by n`;
