import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import { silentLogger } from '../../src/core/logger.ts';
import type { Releasers } from '../../src/core/service.ts';
import { migrate } from '../../src/db/migrate.ts';
import { demoOrgs } from '../../src/demo/demo.ts';
import { setUpDemo } from '../../src/demo/set-up.ts';
import { unitsPath } from '../../src/demo/units-route.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { createServer } from '../../src/http/server.ts';
import { administer, urlOfDatabase } from '../support/administer.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

/** Events that are there when it begins: some minutes' worth. */
const past = 1_200;
const eventsPerSecond = 12;

export interface Pictured {
  readonly url: string;
  /** Position of the last event. */
  head(): Promise<number>;
}

/** As `serve --demo`, with some past, and a little faster. */
export async function startPictured(directory: string, releasers: Releasers): Promise<Pictured> {
  const databaseUrl = await ownDatabase(directory, releasers);
  await migrate({ connectionString: databaseUrl });
  const db = new Pool({ connectionString: databaseUrl, max: 5 });
  releasers.add(() => db.end());
  const head = async () => {
    const { rows } = await db.query<{ head: number }>(
      'select coalesce(max(position), 0)::int as head from commitcast.log',
    );
    return rows[0]?.head ?? 0;
  };
  // Another instance, so that nobody sees on a chart how fast that was.
  const before = await serve(databaseUrl, 400);
  releasers.add(before.close);
  await until(async () => (await head()) >= past);
  await before.close();
  const { url, close } = await serve(databaseUrl, eventsPerSecond);
  releasers.add(close);
  return { url, head };
}

async function serve(databaseUrl: string, eventsPerSecond: number) {
  const app = await createServer({
    logLevel: 'silent',
    plugin: { databaseUrl, jwt: { secret }, adapter: 'memory' },
    demoOrgs: () =>
      Promise.all(
        demoOrgs.map(async (org) => ({
          ...org,
          readModel: unitsPath,
          token: await signToken({ org_id: org.id, sub: 'demo-viewer' }),
        })),
      ),
  });
  const demo = setUpDemo(app, {
    connectionString: databaseUrl,
    identity: { jwt: { secret } },
    eventsPerSecond,
  });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= demo.stop().then(() => app.close()));
  await app.listen({ host: '127.0.0.1', port: 0 });
  await demo.start();
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, close };
}

/** On the server of the tests, if one is named; else the embedded one. */
async function ownDatabase(directory: string, releasers: Releasers): Promise<string> {
  const server = process.env['TEST_DATABASE_URL'];
  if (server === undefined) {
    const postgres = await startEmbeddedPostgres({ directory, logger: silentLogger });
    releasers.add(() => postgres.stop());
    return postgres.url;
  }
  const name = `commitcast_pictured_${randomBytes(4).toString('hex')}`;
  await administer(server, `create database ${name}`);
  releasers.add(() => administer(server, `drop database if exists ${name} with (force)`));
  return urlOfDatabase(server, name);
}
