import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { supportName } from './administer.ts';
import type { TestDatabase } from './database.ts';
import { until } from './until.ts';

type Counts = Record<string, number>;

/**
 * Notes what is open now, and returns the check that no more is open than then: sockets, servers, timers and child
 * processes of this process, and backends of the test's database by `application_name`. What the support opened is
 * not counted. Call it before the first thing under test is started.
 *
 * @example
 * const database = await createDatabase();
 * const expectNoLeaks = await watchLeaks(database);
 * afterEach(expectNoLeaks);
 */
export async function watchLeaks(
  database?: TestDatabase,
  { timeoutMs = 5_000 }: { timeoutMs?: number } = {},
): Promise<() => Promise<void>> {
  // Opened before counting starts: the check asks through this pool.
  await database?.pool.query('select 1');
  const before = await countOpen(database);
  // The runner's timers come and go; none is there for long.
  before['Timeout'] = 0;
  return async function expectNoLeaks() {
    let leaked: Counts = {};
    try {
      // What was told to close may take a moment to be gone.
      await until(
        async () => {
          leaked = excess(await countOpen(database), before);
          return isDeepStrictEqual(leaked, {});
        },
        { timeoutMs },
      );
    } catch {
      expect(leaked, 'left open').toEqual({});
    }
  };
}

async function countOpen(database: TestDatabase | undefined): Promise<Counts> {
  const backends = database ? await countBackends(database) : {};
  const resources = count(process.getActiveResourcesInfo().filter((kind) => kinds.test(kind)));
  const ofSupport = database?.openConnections() ?? 0;
  if (resources['TCPSocketWrap'] !== undefined) resources['TCPSocketWrap'] -= ofSupport;
  return { ...resources, ...backends };
}

// The runner's own immediates, pipes and file requests come and go.
const kinds = /^(?:TCP|TLS|UDP|Process|ChildProcess|FSEvent|Timeout|Worker)/;

async function countBackends(database: TestDatabase): Promise<Counts> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select 'backend ' || application_name as name from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend' and application_name <> $1`,
    [supportName],
  );
  return count(rows.map(({ name }) => name));
}

function count(names: string[]): Counts {
  const counts: Counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function excess(now: Counts, before: Counts): Counts {
  const more = Object.entries(now).map(([name, amount]) => [name, amount - (before[name] ?? 0)] as const);
  return Object.fromEntries(more.filter(([, amount]) => amount > 0));
}
