import type { Executor } from '../../src/db/executor.ts';
import { append } from '../../src/log/append.ts';

/** A dozen events of the org: a third without a stream, the others of the streams `s1` and `s2`; with all that an event can have. */
export async function writeSome(db: Executor, org: string): Promise<void> {
  for (let n = 0; n < 12; n++) {
    await append(db, {
      org,
      type: `type-${n}`,
      data: n === 11 ? null : { name: `Jane ${n}` },
      ...(n % 3 === 0 ? {} : { stream: `s${n % 3}` }),
      ...(n % 2 === 0 ? { site: 'berlin', meta: { by: 'kim' } } : { unit: 'truck' }),
    });
  }
}

export type LogRow = Record<string, unknown> & { data: unknown };

/** The org's rows of the log, whole, without control events. */
export async function readEvents(db: Executor, org: string): Promise<LogRow[]> {
  const { rows } = await db.query(
    'select * from commitcast.log where org_id = $1 and not control order by position',
    [org],
  );
  return rows as LogRow[];
}

export async function readAudit(db: Executor, org: string): Promise<Record<string, unknown>[]> {
  const { rows } = await db.query('select * from commitcast.erasure where org_id = $1 order by position', [
    org,
  ]);
  return rows as Record<string, unknown>[];
}

/** What a relay does when all that is in the log has settled. */
export async function publish(db: Executor): Promise<void> {
  await db.query('update commitcast.relay set published = (select max(position) from commitcast.log)');
}

/** Saves a state as of this version; `false`: it was refused. */
export async function saveState(
  db: Executor,
  org: string,
  stream: string,
  { version = 1, erasures = 0 } = {},
): Promise<boolean> {
  const { rows } = await db.query(
    `select commitcast.save_state($1, $2, 'fold', $3::bigint, $4::int, '{"names": ["Jane"]}') as saved`,
    [org, stream, version, erasures],
  );
  return (rows as { saved: boolean }[])[0]?.saved ?? false;
}

export async function readStates(db: Executor, org: string): Promise<string[]> {
  const { rows } = await db.query('select stream from commitcast.state where org_id = $1 order by stream', [
    org,
  ]);
  return (rows as { stream: string }[]).map(({ stream }) => stream);
}
