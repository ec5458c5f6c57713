import { onTestFinished } from 'vitest';
import { setUpDemo } from '../../src/demo/set-up.ts';
import { unitsPath, type UnitsAnswer } from '../../src/demo/units-route.ts';
import { consoleRoutes } from '../../src/http/console.ts';
import type { TestDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { secret, signToken, type Claims } from '../support/tokens.ts';
import { until } from '../support/until.ts';

export const org = 'demo-northwind';

export interface DemoServer extends TestServer {
  /** Ends the writers; what they have committed is in the log then. */
  stopWriting(): Promise<void>;
  get(claims: Claims | null, query?: string): Promise<Response>;
  units(claims?: Claims, query?: string): Promise<UnitsAnswer>;
}

/** As `serve --demo`: the plugin, the page, the writers, the read model. */
export async function startDemo(
  database: TestDatabase,
  { eventsPerSecond = 200, port = 0 }: { eventsPerSecond?: number; port?: number } = {},
): Promise<DemoServer> {
  const set: { demo?: ReturnType<typeof setUpDemo> } = {};
  const server = await startServer(database, {
    port,
    setUp: (app) => {
      set.demo = setUpDemo(app, {
        connectionString: database.url,
        identity: { jwt: { secret } },
        eventsPerSecond,
      });
      consoleRoutes(app, {
        demoOrgs: async () => [
          { id: org, name: org, readModel: unitsPath, token: await signToken({ org_id: org }) },
        ],
      });
    },
  });
  const { demo } = set;
  if (!demo) throw new Error('startServer did not call setUp');
  onTestFinished(() => demo.stop());
  await demo.start();
  const get = async (claims: Claims | null, query = '') =>
    fetch(`${server.url}${unitsPath}${query}`, {
      headers: claims === null ? {} : { authorization: `Bearer ${await signToken(claims)}` },
    });
  return {
    ...server,
    stopWriting: () => demo.stop(),
    get,
    units: async (claims = { org_id: org }, query = '') =>
      (await (await get(claims, query)).json()) as UnitsAnswer,
  };
}

/** Resolves when the read model has come to the end of the log. */
export async function caughtUp(database: TestDatabase): Promise<void> {
  await until(
    async () => {
      const { rows } = await database.pool.query<{ done: boolean }>(
        `select min(position) >= (select max(position) from commitcast.log) as done
         from commitcast.consumer_partition where name = 'demo-units'`,
      );
      return rows[0]?.done;
    },
    { message: 'the read model to be at the end of the log' },
  );
}

export async function count(database: TestDatabase, where = 'true'): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(
    `select count(*)::int as n from commitcast.log where ${where}`,
  );
  return rows[0]?.n ?? 0;
}
