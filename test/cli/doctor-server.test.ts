import { describe, expect, it } from 'vitest';
import { checkServer } from '../../src/cli/doctor/checks/server.ts';
import { migrate } from '../../src/db/migrate.ts';
import { administer } from '../support/administer.ts';
import { createDatabase } from '../support/database.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { startStandbyPair } from '../support/standby.ts';
import { describeWithTool } from '../support/tools.ts';
import { createServedDatabase, examineAt, noSettings } from './examined.ts';

describe('a server', () => {
  it('that is not safe, has no room, and keeps a prepared transaction', async () => {
    const server = await startPrivateServer({ max_prepared_transactions: '5', max_connections: '20' });
    await administer(server.url, 'alter system set fsync = off');
    await administer(server.url, 'select pg_reload_conf()');
    await migrate({ connectionString: server.url });
    const examined = await examineAt(server.url);
    expect(examined.problems).toEqual(['CONNECTIONS_FEW', 'NO_LEADER']);
    expect(examined.notes).toContain('PREPARED_TRANSACTIONS_ON');
    expect(examined.finding('FSYNC_OFF')).toMatchObject({
      seen: 'fsync is off.',
      remedy: expect.stringContaining('alter system set fsync = on; select pg_reload_conf()') as string,
    });
    expect(examined.finding('CONNECTIONS_FEW').seen).toMatch(
      /^The server allows 1\d connections, and \d are/,
    );

    // A transaction manager that the guard does not see through.
    await administer(
      server.url,
      `begin; select pg_advisory_xact_lock_shared(1668246893, 1); prepare transaction 'order''s 17'`,
    );
    const held = await examineAt(server.url);
    expect(held.problems).toEqual(['CONNECTIONS_FEW', 'NO_LEADER', 'PREPARED_TRANSACTION_HOLDS']);
    const { seen, remedy } = held.finding('PREPARED_TRANSACTION_HOLDS');
    expect(seen).toMatch(/^"order's 17" of "\w+" was prepared \d\.\d s ago, and has positions\.$/);
    expect(remedy).toContain(`rollback prepared 'order''s 17'`);
    await administer(server.url, `rollback prepared 'order''s 17'`);

    await administer(server.url, 'alter system set fsync = on');
    await administer(server.url, 'select pg_reload_conf()');
    const mended = await examineAt(server.url);
    expect(mended.problems).toEqual(['CONNECTIONS_FEW', 'NO_LEADER']);
    expect(mended.codes).not.toContain('FSYNC_OFF');
  });

  it.each([
    [130_012, 'POSTGRES_TOO_OLD'],
    [190_000, 'POSTGRES_UNTESTED'],
  ])('of version %i is %s', async (number, code) => {
    const rows = [{ version: `${number / 10_000}`, number, standby: false, unsafe: [] }];
    const db = { query: () => Promise.resolve({ rows }) };
    const findings = await checkServer.look({ db, plain: db, settings: noSettings });
    expect(findings.map((each) => each.code)).toEqual([code]);
  });
});

describe('settings of the database', () => {
  it('that the sessions of an application find', async () => {
    const database = await createServedDatabase();
    const before = await examineAt(database.url);
    expect(before.notes).toContain('NO_IDLE_TIMEOUT');
    const idle = /alter database \w+ set .*'60s'/.exec(before.finding('NO_IDLE_TIMEOUT').remedy)?.[0] ?? '';
    await database.pool.query(idle);
    expect((await examineAt(database.url)).notes).not.toContain('NO_IDLE_TIMEOUT');
    const set = (setting: string) =>
      database.pool.query(
        `do $$ begin execute format('alter database %I set ${setting}', current_database()); end $$`,
      );
    await set('synchronous_commit = off');
    await set('session_replication_role = replica');
    await set(`idle_in_transaction_session_timeout = 60000`);
    const examined = await examineAt(database.url);
    expect(examined.problems).toEqual(['REPLICA_ROLE']);
    expect(examined.notes).toContain('SYNCHRONOUS_COMMIT_OFF');
    expect(examined.notes).not.toContain('NO_IDLE_TIMEOUT');
    const { remedy } = examined.finding('REPLICA_ROLE');
    const [resetting = ''] = /alter role \w+ reset \w+; alter database \w+ reset \w+/.exec(remedy) ?? [];
    await database.pool.query(resetting);
    expect((await examineAt(database.url)).problems).toEqual([]);
  });

  it('that leave no room for one more instance', async () => {
    const database = await createServedDatabase();
    await database.pool.query(
      `do $$ begin execute format('alter database %I connection limit 25', current_database()); end $$`,
    );
    const examined = await examineAt(await database.urlAsMemberOf('commitcast_relay'));
    expect(examined.problems).toEqual(['CONNECTIONS_FEW']);
    const { seen, remedy } = examined.finding('CONNECTIONS_FEW');
    expect(seen).toMatch(
      /^The database allows 25 connections, and \d+ are in use; an instance opens up to 20\.$/,
    );
    expect(remedy).toMatch(/^Raise the limit: alter database … connection limit \d+\.$/);
  });
});

describeWithTool('pgbouncer', 'behind PgBouncer', () => {
  it('in transaction mode: named, and nothing is looked at through it', async () => {
    const database = await createDatabase();
    const examined = await examineAt(await startPgBouncer(database));
    expect(examined.problems).toEqual(['DATABASE_POOLED']);
    expect(examined.finding('DATABASE_POOLED').remedy).toContain('DATABASE_DIRECT_URL');
    expect(examined.unseen).toContainEqual({ check: 'locks', reason: 'a pooler stands between' });
  });

  it('that leads to another database than the direct address does', async () => {
    const database = await createServedDatabase();
    const other = await createDatabase();
    const databaseDirectUrl = database.url;
    const same = await startPgBouncer(database);
    expect((await examineAt(database.url, { databaseUrl: same, databaseDirectUrl })).problems).toEqual([]);
    const apart = await startPgBouncer(other);
    const examined = await examineAt(database.url, { databaseUrl: apart, databaseDirectUrl });
    expect(examined.problems).toEqual(['ADDRESSES_APART']);

    const gone = await examineAt(database.url, {
      databaseUrl: 'postgres://127.0.0.1:1/x',
      databaseDirectUrl,
    });
    expect(gone.problems).toEqual([]);
    expect(gone.unseen).toEqual([
      { check: 'addresses', reason: expect.stringMatching(/^DATABASE_URL: .*ECONNREFUSED/) as string },
    ]);
  });

  it('in session mode: a warning', async () => {
    const database = await createServedDatabase();
    const examined = await examineAt(await startPgBouncer(database, { mode: 'session' }));
    expect(examined.problems).toEqual(['SESSION_POOLER']);
    expect(examined.unseen).toEqual([]);
  });
});

describeWithTool('pg_basebackup', 'with a standby', () => {
  it('an address that leads there is named, and the log is not looked at', async () => {
    const pair = await startStandbyPair();
    const { primary, standby } = pair;
    await migrate({ connectionString: primary.url });
    await pair.replicated();
    const examined = await examineAt(standby.url);
    expect(examined.problems).toEqual(['DATABASE_STANDBY']);
    expect(examined.finding('DATABASE_STANDBY').remedy).toContain('Name the primary in DATABASE_URL');
    expect(examined.unseen).toContainEqual({ check: 'epoch', reason: 'this is a standby' });
  });
});
