import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { findContainerEngine, startPostgresContainer } from '../support/container-engine.ts';
import { describeUnless } from '../support/describe-unless.ts';

const engine = await findContainerEngine();

describeUnless(engine.available ? undefined : engine, 'a Postgres container, through Testcontainers', () => {
  let server: Awaited<ReturnType<typeof startPostgresContainer>>;
  let writer: Client;
  let reader: Client;

  beforeAll(async () => {
    server = await startPostgresContainer(engine.image);
    await migrate({ connectionString: server.url });
    writer = new Client({ connectionString: server.url });
    reader = new Client({ connectionString: server.url });
    await Promise.all([writer.connect(), reader.connect()]);
  });

  afterAll(async () => {
    await Promise.all([writer?.end(), reader?.end()]);
    await server?.stop();
  });

  async function readLog() {
    const { rows } = await reader.query<{ type: string; data: unknown }>(
      `select type, data from commitcast.log where org_id = 'acme' and not control`,
    );
    return rows;
  }

  it('is migrated, and its log gets an event when the transaction commits, not before', async () => {
    await writer.query('begin');
    await writer.query(
      `insert into commitcast.outbox (org_id, unit_id, type, data) values ('acme', 'unit-1', 'unit.cooled', '{"celsius": 4}')`,
    );
    expect(await readLog()).toEqual([]);
    await writer.query('commit');
    expect(await readLog()).toEqual([{ type: 'unit.cooled', data: { celsius: 4 } }]);
  });
});
