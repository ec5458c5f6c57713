import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { once } from '../../src/log/once.ts';
import { grantsSql } from '../../src/cli/grants.ts';
import { makeFolder, runCli } from '../support/cli.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { examineAt } from './examined.ts';
import { createRole, denied, poolOf } from './granted.ts';

const event = { org: 'acme', type: 'step', data: 1 };

it('an application appends, once and with versions, and may do nothing else', async () => {
  const database = await createDatabase();
  const { url } = await createRole(database, 'app');
  const pool = poolOf(url);
  await pool.query(
    `insert into commitcast.outbox (org_id, type, data) values ('acme', 'sql', '1') returning id, version`,
  );
  await append(pool, event);
  const key = { key: 'order-17' };
  const keyed = await append(pool, [{ ...event, stream: 's', expectedVersion: 'none' }], key);
  expect(await append(pool, [{ ...event, stream: 's', expectedVersion: 'none' }], key)).toEqual(keyed);
  expect([await once(pool, 'message-1'), await once(pool, 'message-1')]).toEqual([true, false]);
  const { rows } = await database.pool.query('select type from commitcast.log order by position');
  expect(rows).toEqual([{ type: 'sql' }, { type: 'step' }, { type: 'step' }]);

  for (const statement of [
    'select * from commitcast.log',
    'select data from commitcast.outbox',
    'select * from commitcast.stream',
    'select * from commitcast.membership',
    'select * from commitcast.adapter',
    'select * from commitcast.append_key',
    `insert into commitcast.outbox (org_id, type, data, control) values ('a', 'commitcast.x', '1', true)`,
    `insert into commitcast.outbox (org_id, type, data, tx) values ('a', 'x', '1', '7')`,
    'insert into commitcast.log (position) values (1)',
    `update commitcast.outbox set data = '2'`,
    'delete from commitcast.outbox',
    'update commitcast.relay set published = 0',
    `select commitcast.revoke('acme', 'kim')`,
    `select commitcast.erase('acme')`,
    'select commitcast.clear_outbox()',
    'select commitcast.make_partitions()',
    'create table commitcast.own (id int)',
  ])
    await expect(pool.query(statement), statement).rejects.toMatchObject(denied);
});

it('an instance serves, leads and reports, and writes nothing into the log', async () => {
  const database = await createDatabase();
  const { url } = await createRole(database, 'relay');
  const server = await startServer(database, { databaseUrl: url, adapter: 'postgres', migrate: false });
  const warnings: unknown[] = [];
  server.app.log.warn = (...line: unknown[]) => warnings.push(line);
  const client = await connectClient(server.url);
  await client.live();
  await append(database.pool, event);
  await until(() => client.events.length === 1);
  await until(async () => {
    const examined = await examineAt(url);
    expect(examined.problems).toEqual([]);
    return true;
  });
  expect(warnings).toEqual([]);

  const pool = poolOf(url);
  for (const statement of [
    `insert into commitcast.outbox (org_id, type, data) values ('acme', 'x', '1')`,
    'insert into commitcast.log (position) values (1)',
    `update commitcast.log set type = 'x'`,
    'delete from commitcast.log',
    'truncate commitcast.log',
    'delete from commitcast.log_1',
    'drop table commitcast.log_1',
    `select nextval('commitcast.position')`,
    `update commitcast.membership set role = 'admin'`,
    `insert into commitcast.epoch (epoch) values ('aaaaaaaa')`,
    `select commitcast.revoke('acme', 'kim')`,
    `select commitcast.erase('acme')`,
    'create table commitcast.own (id int)',
  ])
    await expect(pool.query(statement), statement).rejects.toMatchObject(denied);
});

it('the rights are those of the roles that the migrations make, but for what is said here', async () => {
  const database = await createDatabase();
  const differences: Record<string, { less: RegExp; more: string[] }> = {
    commitcast_writer: { less: /^revoke\(/, more: [] },
    commitcast_reader: {
      less: /^(?:membership|revocation) /,
      more: ['instance SELECT', 'migration SELECT'],
    },
  };
  for (const [kind, of] of [
    ['app', 'commitcast_writer'],
    ['relay', 'commitcast_relay'],
    ['consumer', 'commitcast_consumer'],
    ['reader', 'commitcast_reader'],
  ] as const) {
    const { role } = await createRole(database, kind);
    const { less, more } = differences[of] ?? { less: /^$/, more: [] };
    const expected = (await rightsOf(database, of)).filter((right) => !less.test(right));
    expect(expected.length).toBeGreaterThan(5);
    expect((await rightsOf(database, role)).toSorted()).toEqual([...expected, ...more].toSorted());
  }
});

it('names of any kind are quoted, and none can end the statement', async () => {
  const database = await createDatabase();
  const role = `o"; drop schema commitcast; --${randomBytes(4).toString('hex')}`;
  const quoted = `"${role.replaceAll('"', '""')}"`;
  await database.pool.query(`create role ${quoted}`);
  onTestFinished(async () => {
    await database.pool.query(`drop owned by ${quoted}; drop role ${quoted}`);
  });
  await database.pool.query(grantsSql({ app: [role] }));
  expect(await rightsOf(database, role)).toContain('once(text) EXECUTE');
});

it.each([[[]], [['--app', '']], [['--app', 'x'.repeat(64)]], [['--writer', 'x']]])(
  'grants refuses %j',
  async (args) => {
    const result = await runCli(['grants', ...args], { cwd: await makeFolder() });
    expect(result).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^USAGE: /) as string,
    });
  },
);

/** Every right that was granted to a role itself, on whatever is in the schema. */
async function rightsOf(database: TestDatabase, role: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ right: string }>(
    `with granted as (
       select n.nspname::text as object, n.nspacl as acl from pg_namespace n where n.nspname = 'commitcast'
       union all
       select c.relname::text, c.relacl from pg_class c where c.relnamespace = 'commitcast'::regnamespace
       union all
       select c.relname || '.' || a.attname, a.attacl
       from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = 'commitcast'::regnamespace
       union all
       select p.proname || '(' || oidvectortypes(p.proargtypes) || ')', p.proacl
       from pg_proc p where p.pronamespace = 'commitcast'::regnamespace
     )
     select object || ' ' || x.privilege_type as right from granted, aclexplode(acl) x
     where x.grantee = (select oid from pg_roles where rolname = $1) order by 1`,
    [role],
  );
  return rows.map(({ right }) => right);
}
