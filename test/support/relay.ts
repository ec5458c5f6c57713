import { silentLogger } from '../../src/core/logger.ts';
import type { Doorbell } from '../../src/fanout/doorbell.ts';
import { Relay } from '../../src/relay/relay.ts';
import type { TestDatabase } from './database.ts';
import { until } from './until.ts';

export interface TestRelay {
  readonly relay: Relay;
  readonly doorbells: readonly Doorbell[];
  /** Highest position that was rung for. */
  readonly rung: number;
}

/** A relay that notes its doorbells; not started yet. */
export function createRelay({ url }: { url: string }, instanceId = 'test'): TestRelay {
  const doorbells: Doorbell[] = [];
  const relay = new Relay({
    connectionString: url,
    instanceId,
    onDoorbell: (doorbell) => doorbells.push(doorbell),
    logger: silentLogger,
  });
  return {
    relay,
    doorbells,
    get rung() {
      return doorbells.at(-1)?.to ?? -1;
    },
  };
}

export const leading = ({ relay }: TestRelay) => until(() => relay.status.leading, { message: 'a leader' });

/** Returns when the relay sleeps: it is listening, has released AWAKE, and nobody holds it or asks for it. */
export async function untilAsleep(database: TestDatabase): Promise<void> {
  let times = 0;
  await until(
    async () => {
      const { rows } = await database.pool.query<{ awake: boolean }>(`
        select exists (select from pg_locks where locktype = 'advisory' and objsubid = 2 and classid = 1668246893
          and objid = 2 and database = (select oid from pg_database where datname = current_database()))
        or not exists (select from pg_stat_activity where datname = current_database()
          and application_name = 'commitcast-listen')
        or not exists (select from pg_stat_activity where datname = current_database()
          and application_name = 'commitcast-awake' and state = 'idle' and query like '%pg_advisory_unlock%') as awake`);
      times = rows[0]?.awake === false ? times + 1 : 0;
      // Right after the release it may still find a reason to stay awake.
      return times >= 3;
    },
    { message: 'the relay to sleep' },
  );
}

/** Terminates the backends of this name, such as `commitcast-leader`; returns how many there were. */
export async function terminate(database: TestDatabase, applicationName: string): Promise<number> {
  const { rowCount } = await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = $1`,
    [applicationName],
  );
  return rowCount ?? 0;
}
