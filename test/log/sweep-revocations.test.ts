import { beforeEach, expect, it } from 'vitest';
import { readRevocations } from '../../src/log/read-revocations.ts';
import { revoke } from '../../src/log/revoke.ts';
import { sweepRevocations } from '../../src/log/sweep-revocations.ts';
import { inPoolTransaction } from '../../src/consumer/database.ts';
import { arrive } from '../gateway/arrive.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const { pool } = database;

beforeEach(() => pool.query('delete from commitcast.revocation'));

/** `at`: minutes after noon. */
async function insert(...rows: [user: string, site: string | null, unit: string | null, at: number][]) {
  for (const [n, [user, site, unit, at]] of rows.entries())
    await pool.query(
      `insert into commitcast.revocation (org_id, user_id, site_id, unit_id, position, at)
       values ('acme', $1, $2, $3, $4, timestamptz '2026-01-01 12:00Z' + make_interval(mins => $5))`,
      [user, site, unit, n + 1, at],
    );
}

async function left(): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(
    `select concat_ws(' ', user_id, site_id, unit_id, extract(minute from at)) as row
     from commitcast.revocation order by position`,
  );
  return rows.map(({ row }) => row);
}

it('of each scope of a user the newest stays, by its time, whatever its position', async () => {
  await insert(
    ['kim', 's1', null, 1],
    ['kim', 's1', null, 3],
    ['kim', 's1', null, 2],
    ['kim', 's1', null, 3],
  );
  await insert(['kim', null, 'u1', 1], ['kim', 's1', 'u1', 1], ['lee', 's1', null, 1]);
  expect(await sweepRevocations(pool)).toBe(true);
  expect((await left()).toSorted()).toEqual(['kim s1 3', 'kim s1 u1 1', 'kim u1 1', 'lee s1 1']);
});

it('what is lost with the org needs no word of its own; what was lost later does', async () => {
  await insert(
    ['kim', 's1', null, 1],
    ['kim', null, null, 2],
    ['kim', 's2', null, 3],
    ['lee', 's1', null, 1],
  );
  await insert(['max', 's1', null, 2], ['max', null, null, 2]);
  await sweepRevocations(pool);
  expect((await left()).toSorted()).toEqual(['kim 2', 'kim s2 3', 'lee s1 1', 'max 2']);
});

it('a reader is told the same before and after, of any history', async () => {
  const scopes = [
    [null, null],
    ['s1', null],
    ['s2', null],
    [null, 'u1'],
    ['s1', 'u1'],
  ] as const;
  for (let n = 0; n < 60; n++) {
    const [site, unit] = scopes[(n * 7) % scopes.length] ?? scopes[0];
    await insert([`user-${n % 4}`, site, unit, (n * 37) % 60]);
  }
  /** From when on a token has to be, for each right: the org's own revocation is one of every right. */
  const needed = async () => {
    const all = await readRevocations(pool);
    return all
      .map((each) => {
        const ofOrg = all.find(({ user, site, unit }) => user === each.user && !site && !unit);
        const at = Math.max(each.at, ofOrg?.at ?? 0);
        return at === ofOrg?.at ? `${each.user} ${at}` : `${each.user} ${each.site} ${each.unit} ${at}`;
      })
      .filter((line, place, lines) => lines.indexOf(line) === place)
      .toSorted();
  };
  const before = await needed();
  await sweepRevocations(pool);
  expect(await needed()).toEqual(before);
  expect((await left()).length).toBeLessThanOrEqual(4 * scopes.length);
});

it('rows that somebody else holds are left, and not waited for', async () => {
  await insert(['kim', 's1', null, 1], ['kim', 's1', null, 2]);
  const other = await pool.connect();
  await other.query('begin; select * from commitcast.revocation for update');
  await sweepRevocations(pool);
  expect(await left()).toHaveLength(2);
  await other.query('rollback');
  other.release();
  await sweepRevocations(pool);
  expect(await left()).toHaveLength(1);
});

it('P4: the relay sweeps by itself, and the token stays refused, by instances that were there and by new ones', async () => {
  const first = await startServer(database);
  const token = await signToken({ sub: 'kim' });
  for (let n = 0; n < 3; n++)
    await inPoolTransaction(pool, async (tx) => {
      await revoke(tx, { org: 'acme', user: 'kim' });
    });
  const refused = () => arrive(first, { token });
  await until(async () => (await refused()) === 'ORG_FORBIDDEN');
  await first.close();
  const second = await startServer(database);
  await until(async () => (await left()).length === 1);
  expect(await arrive(second, { token })).toBe('ORG_FORBIDDEN');
  const third = await startServer(database);
  expect(await arrive(third, { token })).toBe('ORG_FORBIDDEN');
});
