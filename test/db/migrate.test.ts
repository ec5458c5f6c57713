import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { checkSchema, migrate } from '../../src/db/migrate.ts';
import { administer, urlOfDatabase } from '../support/administer.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { insertEvent, typesInLog } from '../support/transactions.ts';

let name: string;
let url: string;

// Databases that are not migrated yet: not clones of the template.
beforeEach(async () => {
  name = `commitcast_test_${randomBytes(6).toString('hex')}`;
  url = urlOfDatabase(inject('postgres').url, name);
  await administer(inject('postgres').url, `create database ${name}`);
});

afterEach(() => administer(inject('postgres').url, `drop database if exists ${name} with (force)`));

async function using<Result>(connectionString: string, work: (client: Client) => Promise<Result>) {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('migrate', () => {
  it('may be called by twenty at once: all return, and the schema works', async () => {
    await Promise.all(Array.from({ length: 20 }, () => migrate({ connectionString: url })));
    await using(url, async (client) => {
      await checkSchema(client);
      const { rows } = await client.query('select count(*)::int as epochs from commitcast.epoch');
      expect(rows).toEqual([{ epochs: 1 }]);
      await insertEvent(client, 'migrated');
      expect(await typesInLog(client)).toEqual(['migrated']);
    });
  });

  it('changes nothing the second time', async () => {
    await migrate({ connectionString: url });
    const snapshot = 'select * from commitcast.migration, commitcast.epoch, commitcast.relay';
    const before = await using(url, (client) => client.query(snapshot));
    await migrate({ connectionString: url });
    expect((await using(url, (client) => client.query(snapshot))).rows).toEqual(before.rows);
  });

  it('leaves a database alone that a newer version has migrated: SCHEMA_TOO_NEW', async () => {
    await migrate({ connectionString: url });
    await using(url, async (client) => {
      await client.query(
        `insert into commitcast.migration (hash, created_at) select 'newer', max(created_at) + 1 from commitcast.migration`,
      );
      await expect(migrate({ connectionString: url })).rejects.toMatchObject({ code: 'SCHEMA_TOO_NEW' });
      await expect(checkSchema(client)).rejects.toMatchObject({ code: 'SCHEMA_TOO_NEW' });
    });
  });

  it('leaves nothing behind when it fails half-way, and succeeds when asked again', async () => {
    await administer(url, `create schema commitcast; create table commitcast.stream ();`);
    await expect(migrate({ connectionString: url })).rejects.toThrow();
    await administer(url, `drop table commitcast.stream`);
    await migrate({ connectionString: url });
    await using(url, (client) => checkSchema(client));
  });
});

describe('checkSchema', () => {
  it('says SCHEMA_MISSING for a database without the schema, and for an older one', async () => {
    await using(url, async (client) => {
      await expect(checkSchema(client)).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
      await migrate({ connectionString: url });
      await checkSchema(client);
      await client.query(
        `delete from commitcast.migration where created_at = (select max(created_at) from commitcast.migration)`,
      );
      await expect(checkSchema(client)).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
    });
  });

  it('does not call an unreachable database an unmigrated one', async () => {
    const gone = { query: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })) };
    await expect(checkSchema(gone)).rejects.toThrow('gone');
  });
});

describe('a role that may not create roles', () => {
  it('migrates its own database, is warned, and can publish', async () => {
    // A server of its own: roles are of the whole server, and the others have made them.
    const server = await startPrivateServer();
    await administer(server.url, `create role owner_only login password 'secret'`);
    await administer(server.url, 'create database owned owner owner_only');
    const owned = new URL(urlOfDatabase(server.url, 'owned'));
    owned.username = 'owner_only';
    owned.password = 'secret';
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_: object, message: string) => warnings.push(message) };
    await migrate({ connectionString: owned.href, logger });
    expect(warnings.join('\n')).toContain('commitcast_writer was not created');
    await using(owned.href, async (client) => {
      await insertEvent(client, 'by the owner');
      expect(await typesInLog(client)).toEqual(['by the owner']);
      await expect(client.query('truncate commitcast.log')).rejects.toMatchObject({ code: 'CC005' });
    });
  });
});
