import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { supportName } from '../support/administer.ts';
import type { TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

export interface Load {
  readonly commits: number;
  readonly slowestMs: number;
  /** What was seen of the backend that drops: `pending` while a detach is cut off and waits to be finished. */
  readonly seen: { waiting: number; pending: number };
  /** Writers that were seen waiting for a lock that the backend that drops holds, or stood before them for. */
  readonly blocked: string[];
  /** Goes on to the first position of the next partition, when the relay has made more. */
  nextPartition(): Promise<void>;
  /** Returns after so many further commits. */
  further(commits: number): Promise<void>;
  stop(): Promise<void>;
}

const writerName = `${supportName}-writer`;

/** Every look at who blocks whom takes a while, so that it leaves the machine to the writers. */
const watchSql = `
  select coalesce(array_agg(w.query) filter (where w.application_name = '${writerName}' and exists (
      select from unnest(pg_blocking_pids(w.pid)) blocker (pid) join pg_stat_activity b on b.pid = blocker.pid
      where b.application_name = 'commitcast-retention'
    )), '{}') as blocked,
    bool_or(w.application_name = 'commitcast-retention' and w.wait_event_type = 'Lock') as waiting,
    (select bool_or(detaching) from commitcast.partition) as pending
  from pg_sleep(0.005), pg_stat_activity w where w.datname = current_database()`;

/** Writers that commit one event after another, and a witness of who waits for whom. */
export async function startLoad(database: TestDatabase, writers = 4): Promise<Load> {
  const stopped = new AbortController();
  const seen = { waiting: 0, pending: 0 };
  const blocked: string[] = [];
  let commits = 0;
  let slowestMs = 0;

  const work = async (writer: number) => {
    const client = new Client({ connectionString: database.url, application_name: writerName });
    await client.connect();
    for (let n = 1; !stopped.signal.aborted; n++) {
      await client.query('begin');
      // Business that takes its time, so that commits overlap.
      await client.query('select pg_sleep(0.002)');
      await client.query(
        `insert into commitcast.outbox (org_id, type, data) values ('acme', 'w${writer}', '${n}')`,
      );
      const began = performance.now();
      await client.query('commit');
      slowestMs = Math.max(slowestMs, performance.now() - began);
      commits++;
    }
    await client.end();
  };

  const watch = async () => {
    const client = await database.connect();
    while (!stopped.signal.aborted) {
      const { rows } = await client.query<{ blocked: string[]; waiting: boolean; pending: boolean }>(
        watchSql,
      );
      const [row] = rows;
      if (row?.waiting) seen.waiting++;
      if (row?.pending) seen.pending++;
      blocked.push(...(row?.blocked ?? []));
    }
    await client.end();
  };

  const running = Promise.all([watch(), ...Array.from({ length: writers }, (_, writer) => work(writer))]);
  running.catch(() => {
    stopped.abort();
  });
  const further = async (more: number) => {
    const goal = commits + more;
    await until(() => stopped.signal.aborted || commits >= goal, { message: `${more} further commits` });
  };
  const stop = async () => {
    stopped.abort();
    await running;
  };
  onTestFinished(stop);

  return {
    seen,
    blocked,
    further,
    stop,
    get commits() {
      return commits;
    },
    get slowestMs() {
      return slowestMs;
    },
    async nextPartition() {
      const ahead = `from commitcast.partition where from_position > (select last_value from commitcast.position)`;
      await until(async () => {
        const { rows } = await database.pool.query(`select count(*) >= 2 as enough ${ahead}`);
        return (rows[0] as { enough: boolean }).enough;
      });
      await database.pool.query(
        `select setval('commitcast.position', (select min(from_position) ${ahead}), false)`,
      );
      await further(20);
    },
  };
}
