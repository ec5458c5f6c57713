import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { checkPreparedTransactions } from '../../src/cli/doctor/checks/prepared-transactions.ts';
import { diagnosisText } from '../../src/cli/doctor/diagnosis-text.ts';
import { examine } from '../../src/cli/doctor/examine.ts';
import { literal, quoting, shellWord } from '../../src/cli/doctor/sql-text.ts';
import { makeFolder, runCli } from '../support/cli.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { examineAt, noSettings } from './examined.ts';

/** A terminal acts on these: escape, its one-byte form CSI, a bell, a carriage return, a mark of direction. */
const controls = 'a\x1b[2Jb\x9b31mc\x07d\re\u202ef';
const isCalm = (text: string) => !/[^\n\P{C}]/u.test(text);

const hostile = ['user', 'select', 'Order', 'a b', 'say "hi"', "it's", 'back\\slash', 'müller', controls];
const unique = () => randomBytes(4).toString('hex');

/** A role of exactly this name, which is dropped when the test is over. */
async function createRole(database: TestDatabase, name: string): Promise<void> {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  await database.pool.query(`create role ${quoted}`);
  onTestFinished(async () => {
    await database.pool.query(`drop owned by ${quoted}; drop role ${quoted}`);
  });
}

it('the statement that takes a right back names a role of any name', async () => {
  const database = await createDatabase();
  for (const part of hostile) {
    // Roles are of the server, which other tests use, too.
    const role = `${part}${unique()}`;
    await createRole(database, role);
    await database.pool.query(`grant insert on commitcast.log to "${role.replaceAll('"', '""')}"`);
    const examined = await examineAt(database.url);
    const { seen, remedy } = examined.finding('PERMISSION_TOO_WIDE');
    expect(isCalm(seen + remedy), remedy).toBe(true);
    const [statement = ''] =
      /revoke insert on commitcast\.log from .*(?=\. Writers need)/s.exec(remedy) ?? [];
    await database.pool.query(statement);
    expect((await examineAt(database.url)).problems).not.toContain('PERMISSION_TOO_WIDE');
  }
});

it('objects of any name are moved and dropped by what is printed', async () => {
  const database = await createDatabase();
  for (const name of hostile) {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await database.pool.query(
      `create table commitcast.${quoted} (id int);
       create function public.${quoted}() returns trigger language plpgsql as 'begin return null; end';
       create trigger ${quoted} after insert on commitcast.${quoted} for each row execute function public.${quoted}()`,
    );
    const { remedy: move } = await foreign(database, 'table');
    const { remedy: drop } = await foreign(database, 'trigger');
    for (const [remedy, pattern] of [
      [drop, /drop trigger .*(?=\. It runs inside)/s],
      [move, /alter table .* set schema public(?=\. A later)/s],
    ] as const) {
      expect(isCalm(remedy), remedy).toBe(true);
      await database.pool.query(pattern.exec(remedy)?.[0] ?? '');
    }
    expect((await examineAt(database.url)).problems).not.toContain('OBJECT_FOREIGN');
  }
});

async function foreign(database: TestDatabase, kind: string) {
  const { findings } = await examine({ connectionString: database.url, settings: noSettings });
  const found = findings.find(
    ({ code, seen }) => code === 'OBJECT_FOREIGN' && seen.startsWith(`The ${kind} `),
  );
  if (!found) throw new Error(`no ${kind} was found`);
  expect(isCalm(found.seen), found.seen).toBe(true);
  return found;
}

it('the statement that ends a prepared transaction is valid for any gid', async () => {
  const server = await startPrivateServer({ max_prepared_transactions: '20' });
  const client = new Client({ connectionString: server.url });
  await client.connect();
  onTestFinished(() => client.end());
  for (const gid of ['order 17', "o'; drop table t; --", 'back\\slash', `quote" and \\' both`, controls]) {
    await client.query(`begin; select pg_advisory_xact_lock_shared(1668246893, 1)`);
    await client.query(`prepare transaction E'${gid.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);
    // It would take a backslash for the beginning of an escape, in a constant that does not say so.
    for (const conforming of ['off', 'on']) {
      await client.query(`set standard_conforming_strings = ${conforming}; set backslash_quote = off`);
      const [finding] = await checkPreparedTransactions.look({
        db: client,
        plain: client,
        settings: noSettings,
      });
      const { seen = '', remedy = '' } = finding ?? {};
      expect(isCalm(seen + remedy), remedy).toBe(true);
      if (conforming === 'off')
        await client.query(`select ${/rollback prepared (.*)\.$/s.exec(remedy)?.[1]}`);
      else await client.query(/rollback prepared .*(?=\.$)/s.exec(remedy)?.[0] ?? '');
    }
    expect((await client.query('select from pg_prepared_xacts')).rowCount).toBe(0);
  }
});

it('a constant, a name and a word of a command line keep what they say', async () => {
  const { pool } = await createDatabase();
  for (const text of hostile) {
    const quote = await quoting(pool, [text]);
    const { rows } = await pool.query(`select ${literal(text)} as text, 1 as ${quote(text)}`);
    expect(rows).toEqual([{ text, [text]: 1 }]);
  }
  const quote = await quoting(pool, []);
  expect(quote('never asked for')).toBe('"never asked for"');
  expect(shellWord('shop_1')).toBe('shop_1');
  expect(shellWord(`it's $HOME`)).toBe(String.raw`'it'\''s $HOME'`);
});

it('nothing that others have named makes the terminal do something, nor what an error says', async () => {
  const text = diagnosisText({
    findings: [{ code: 'WRITER_OPEN', severity: 'warning', meaning: 'm', seen: controls, remedy: controls }],
    unseen: [{ check: 'locks', reason: controls }],
  });
  expect(isCalm(text)).toBe(true);
  const { stdout, stderr, code } = await runCli(['doctor', '--json', controls], { cwd: await makeFolder() });
  expect(code).toBe(2);
  expect(stderr).toContain('[2J');
  expect([isCalm(stdout), isCalm(stderr)]).toEqual([true, true]);
  expect((JSON.parse(stdout) as { error: { message: string } }).error.message).toContain(controls);
});
