import { describe, expect, it } from 'vitest';
import type { FindingCode } from '../../src/cli/doctor/finding-rules.ts';
import { declaredObjects } from '../../src/cli/doctor/declared-objects.ts';
import { readSchemaObjects } from '../../src/log/read-schema-objects.ts';
import { readTriggers } from '../../src/log/read-triggers.ts';
import { createDatabase } from '../support/database.ts';
import { createServedDatabase, examineAt } from './examined.ts';

const named = (all: readonly { kind: string; name: string }[]) =>
  all.map(({ kind, name }) => `${kind} ${name}`).toSorted();

interface Seed {
  code: FindingCode;
  seed: string;
  seen: string;
  /** Part of the remedy; undoes the seed. */
  mend?: string;
}

const seeds: Record<string, Seed> = {
  'a trigger that was disabled': {
    code: 'TRIGGER_OFF',
    seed: 'alter table commitcast.outbox disable trigger hand_on',
    seen: 'The trigger hand_on of commitcast.outbox is disabled.',
    mend: 'alter table commitcast.outbox enable always trigger hand_on',
  },
  'a trigger that a restore has enabled in the usual way': {
    code: 'TRIGGER_OFF',
    seed: 'alter table commitcast.committing enable trigger give_position',
    seen: 'The trigger give_position of commitcast.committing does not fire in sessions whose session_replication_role is replica.',
    mend: 'alter table commitcast.committing enable always trigger give_position',
  },
  'the guard of one partition that was switched off': {
    code: 'TRIGGER_OFF',
    seed: 'alter table commitcast.log_1 disable trigger append_only',
    seen: 'The trigger append_only of commitcast.log_1 is disabled.',
    mend: 'alter table commitcast.log_1 enable always trigger append_only',
  },
  'a trigger that was dropped': {
    code: 'TRIGGER_OFF',
    seed: 'drop trigger keep_membership on commitcast.membership',
    seen: 'The trigger keep_membership of commitcast.membership is missing.',
  },
  'a table of somebody else': {
    code: 'OBJECT_FOREIGN',
    seed: 'create table commitcast.notes (id int generated always as identity)',
    seen: 'The table commitcast.notes was made by no migration.',
    mend: 'alter table commitcast.notes set schema public',
  },
  'a trigger of somebody else': {
    code: 'OBJECT_FOREIGN',
    seed: `create function public.audit() returns trigger language plpgsql as 'begin return null; end';
      create trigger audit after insert on commitcast.outbox for each row execute function public.audit()`,
    seen: 'The trigger audit on commitcast.outbox was made by no migration.',
    mend: 'drop trigger audit on commitcast.outbox',
  },
  'a function that was dropped': {
    code: 'OBJECT_MISSING',
    seed: 'drop function commitcast.once(text)',
    seen: 'The function commitcast.once is missing.',
  },
  'a role that may write the log': {
    code: 'PERMISSION_TOO_WIDE',
    seed: 'grant insert on commitcast.log to commitcast_writer',
    seen: 'The role commitcast_writer has INSERT on commitcast.log.',
    mend: 'revoke insert on commitcast.log from commitcast_writer',
  },
  'everybody, who may write control events': {
    code: 'PERMISSION_TOO_WIDE',
    seed: 'grant insert on commitcast.outbox to public',
    seen: 'The role public has INSERT on commitcast.outbox.',
    mend: 'revoke insert on commitcast.outbox from public',
  },
};

it.each(Object.entries(seeds))('finds %s, and nothing else, and says what mends it', async (_name, row) => {
  const { code, seed, seen, mend } = row;
  const database = await createServedDatabase();
  await database.pool.query(seed);
  const examined = await examineAt(database.url);
  expect(examined.problems).toEqual([code]);
  expect(examined.finding(code).seen).toBe(seen);
  if (mend === undefined) return;
  expect(examined.finding(code).remedy).toContain(mend);
  await database.pool.query(mend);
  expect((await examineAt(database.url)).problems).toEqual([]);
});

it('knows every object and trigger that the migrations make, and no other', async () => {
  const { pool } = await createDatabase();
  const { objects, triggers } = declaredObjects();
  expect(named(objects)).toEqual(named(await readSchemaObjects(pool)));
  expect(triggers).toContainEqual({ table: 'log', name: 'only_erased' });
  const present = (await readTriggers(pool)).filter(({ table }) => !/^log_\d/.test(table));
  expect(present.map(({ table, name }) => `${table} ${name}`).toSorted()).toEqual(
    triggers.map(({ table, name }) => `${table} ${name}`).toSorted(),
  );
});

describe('a schema of another version', () => {
  it('is named as newer, and what rests on it is not looked at', async () => {
    const database = await createDatabase();
    await database.pool.query(
      `insert into commitcast.migration (hash, created_at) values ('of a later version', 9999999999999)`,
    );
    const examined = await examineAt(database.url);
    expect(examined.problems).toEqual(['SCHEMA_TOO_NEW']);
    expect(examined.unseen).toContainEqual({ check: 'triggers', reason: 'the schema is another one' });
  });

  it('is named as older, which is missing too', async () => {
    const database = await createDatabase();
    await database.pool.query(
      'delete from commitcast.migration where created_at = (select max(created_at) from commitcast.migration)',
    );
    const examined = await examineAt(database.url);
    expect(examined.problems).toEqual(['SCHEMA_MISSING']);
    expect(examined.finding('SCHEMA_MISSING').seen).toMatch(/^\d+ migrations were applied, /);
  });

  it('is named as missing, with the command that makes it', async () => {
    const database = await createDatabase();
    await database.pool.query('drop schema commitcast cascade');
    const examined = await examineAt(database.url);
    expect(examined.problems).toEqual(['SCHEMA_MISSING']);
    expect(examined.finding('SCHEMA_MISSING')).toMatchObject({
      seen: 'There is no table commitcast.migration.',
      remedy: expect.stringContaining('commitcast migrate') as string,
    });
  });
});

describe('the role in use', () => {
  it('of an instance is found sound, and told where it may not look', async () => {
    const database = await createServedDatabase();
    const examined = await examineAt(await database.urlAsMemberOf('commitcast_relay'));
    expect(examined.problems).toEqual([]);
    expect(examined.unseen).toEqual([]);
    expect(examined.notes.filter((code) => code === 'NOT_ALLOWED_TO_LOOK')).toHaveLength(2);
    expect(examined.notes).not.toContain('ROLE_IS_SUPERUSER');
  });

  it('that lacks a right is told which one, and how to get it', async () => {
    const database = await createServedDatabase();
    const url = await database.urlAsMemberOf('commitcast_relay');
    await database.pool.query(
      `revoke execute on function commitcast.make_partitions() from commitcast_relay;
       revoke delete on commitcast.attachment from commitcast_relay`,
    );
    const examined = await examineAt(url);
    expect(examined.problems).toEqual(['PERMISSION_MISSING']);
    const { seen, remedy } = examined.finding('PERMISSION_MISSING');
    expect(seen).toMatch(/ lacks: DELETE on attachment, EXECUTE on make_partitions\(\)\.$/);
    expect(remedy).toContain(`commitcast grants --relay ${new URL(url).username}`);
  });

  it('without any right is told so, and to the check that it stops no more is said', async () => {
    const database = await createDatabase();
    const examined = await examineAt(await database.urlAsMemberOf());
    expect(examined.problems).toContain('PERMISSION_MISSING');
    expect(examined.finding('PERMISSION_MISSING').seen).toContain('USAGE on commitcast');
  });

  it('that is to drop what is past the retention, and may not, is named', async () => {
    const database = await createServedDatabase();
    const url = await database.urlAsMemberOf('commitcast_relay');
    const examined = await examineAt(url, { retention: 86_400_000 });
    expect(examined.problems).toEqual(['RETENTION_NOT_OWNER']);
  });

  it('of a superuser is a note', async () => {
    const database = await createDatabase();
    expect((await examineAt(database.url)).notes).toContain('ROLE_IS_SUPERUSER');
  });
});
