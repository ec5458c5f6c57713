import { beforeEach, describe, expect, it } from 'vitest';
import { requestRebuild } from '../../src/consumer/operate.ts';
import { parseCursor } from '../../src/core/cursor.ts';
import type { UnitsAnswer } from '../../src/demo/units-route.ts';
import { append } from '../../src/log/append.ts';
import { erase } from '../../src/log/erase.ts';
import { revoke } from '../../src/log/revoke.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { caughtUp, count, org, startDemo } from './demo-server.ts';
import { foldLog } from './truth.ts';

const other = 'demo-alder';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});

const hasBegunAnew = async () => {
  const { rows } = await database.pool.query('select from commitcast.consumer where rebuild');
  return rows.length === 0;
};

describe('the read model of the units', () => {
  it('is, at every moment, exactly the fold of the log up to its cursor', async () => {
    const demo = await startDemo(database);
    await until(async () => (await count(database, `type = 'alarm.raised'`)) > 0);
    let last = 0;
    for (let looks = 0; looks < 25; looks++) {
      const { units, cursor, position, head } = await until(async () => {
        const answer = await demo.units();
        return answer.position > last && answer;
      });
      last = position;
      expect(parseCursor(cursor).position).toBe(position);
      expect(head).toBeGreaterThanOrEqual(position);
      expect(units).toMatchObject(await foldLog(database, org, position));
    }
    await demo.stopWriting();
    await caughtUp(database);
    for (const each of [org, other]) {
      const { units } = await demo.units({ org_id: each });
      expect(units).toMatchObject(await foldLog(database, each));
    }
  });

  it('is made anew from nothing while the demo writes, and is the fold of the log all the while', async () => {
    const demo = await startDemo(database, { eventsPerSecond: 100 });
    await until(async () => (await count(database)) > 150);
    const before = (await demo.units()).position;
    // As if a bug had written it.
    await database.pool.query(
      `update commitcast_demo.unit_view set alarms = alarms + 100, temperature = -273`,
    );
    await requestRebuild(database.pool, 'demo-units');
    await until(hasBegunAnew);
    const answers: UnitsAnswer[] = [];
    await until(async () => {
      const answer = await demo.units();
      answers.push(answer);
      return answer.position > before;
    });
    for (const { units, position } of answers)
      expect(units).toMatchObject(await foldLog(database, org, position));
    await demo.stopWriting();
    await caughtUp(database);
    const { units } = await demo.units();
    expect(units).toMatchObject(await foldLog(database, org));
  });

  it('forgets a unit whose stream is erased, also when it is made anew after that', async () => {
    const demo = await startDemo(database);
    await until(async () => (await demo.units()).units.length > 3);
    await demo.stopWriting();
    await caughtUp(database);
    const { rows } = await database.pool.query<{ id: string }>(
      `select unit_id as id from commitcast_demo.unit_view where org_id = $1 limit 1`,
      [org],
    );
    const id = rows[0]?.id ?? '';
    await erase(database.pool, { org, stream: `unit-${id}` });
    const shows = async () => (await demo.units()).units.some((unit) => unit.id === id);
    await until(async () => !(await shows()));
    await requestRebuild(database.pool, 'demo-units');
    await until(hasBegunAnew);
    await caughtUp(database);
    expect(await shows()).toBe(false);
    expect((await demo.units()).units).toMatchObject(await foldLog(database, org));
  });

  it('passes over what others append with data of another form, and goes on', async () => {
    const demo = await startDemo(database);
    const about = { org, unit: 'reefer-17' };
    for (const data of [null, 'text', [], { temperature: 'hot', number: 1e12, name: {} }])
      await append(database.pool, { ...about, type: 'reading.recorded', data });
    await append(database.pool, { ...about, type: 'alarm.raised', data: null });
    await append(database.pool, { org: 'somebody', unit: 'x', type: 'reading.recorded', data: {} });
    await demo.stopWriting();
    await caughtUp(database);
    const { rows } = await database.pool.query(
      `select from commitcast_demo.unit_view where org_id = 'somebody'`,
    );
    expect(rows).toEqual([]);
    expect((await demo.units()).units.find(({ id }) => id === 'reefer-17')?.alarms).toBeGreaterThan(0);
  });
});

describe('the streams of the units', () => {
  it('have dense versions, which the rows of the units know', async () => {
    const demo = await startDemo(database);
    await until(async () => (await count(database)) > 200);
    await demo.stopWriting();
    const { rows } = await database.pool.query(
      `select unit.id, unit.version, count(log.version)::int as events, max(log.version)::int as last
       from commitcast_demo.unit left join commitcast.log on log.org_id = unit.org_id and log.stream = 'unit-' || unit.id
       group by unit.org_id, unit.id, unit.version
       having unit.version <> count(log.version) or unit.version <> coalesce(max(log.version), 0)`,
    );
    expect(rows).toEqual([]);
    expect(await count(database, 'unit_id is not null and stream is null')).toBe(0);
  });
});

describe('GET /demo/units', () => {
  it('refuses who has no token, a wrong one, or an org that is not theirs', async () => {
    const demo = await startDemo(database);
    const answer = await demo.get(null);
    expect([answer.status, await answer.json()]).toMatchObject([401, { error: { code: 'TOKEN_REQUIRED' } }]);
    expect((await demo.get({ org_id: org, exp: 1 })).status).toBe(401);
    expect(await (await demo.get({ org_id: org }, `?org=${other}`)).json()).toMatchObject({
      error: { code: 'ORG_FORBIDDEN' },
    });
    expect(await (await demo.get({ org_id: org }, '?after=nonsense')).json()).toMatchObject({
      error: { code: 'CURSOR_INVALID' },
    });
  });

  it('shows an org nothing of another one', async () => {
    const demo = await startDemo(database);
    await until(async () => (await demo.units({ org_id: other })).units.length > 0);
    await demo.stopWriting();
    await append(database.pool, { org: other, unit: 'reefer-17', type: 'alarm.raised', data: {} });
    await append(database.pool, { org, unit: 'truck-7', type: 'alarm.raised', data: {} });
    await caughtUp(database);
    const { units } = await demo.units({ org_id: other });
    expect(units.length).toBeGreaterThan(0);
    expect(units.filter(({ orgId }) => orgId !== other)).toEqual([]);
    expect((await demo.units({ org_id: 'nobodys' })).units).toEqual([]);
  });

  it('shows only the sites and units that the token lists, and nothing after a revocation', async () => {
    const demo = await startDemo(database);
    await until(async () => (await demo.units()).units.length === 7);
    const idsFor = async (claims: object) =>
      (await demo.units({ org_id: org, ...claims })).units.map(({ id }) => id);
    expect(await idsFor({ units: ['truck-7'] })).toEqual(['truck-7']);
    expect(await idsFor({ sites: ['orchard-road'] })).toEqual(['apple-store', 'berry-store']);
    await revoke(database.pool, { org, user: 'user-1', unit: 'truck-7' });
    expect(await idsFor({ units: ['truck-7', 'truck-12'] })).toEqual(['truck-12']);
    await revoke(database.pool, { org, user: 'user-1' });
    expect((await demo.get({ org_id: org })).status).toBe(403);
  });

  it('tells whether it has come as far as somebody has seen already', async () => {
    const demo = await startDemo(database);
    await until(async () => (await demo.units()).position > 20);
    const { cursor, reached } = await demo.units();
    expect(reached).toBe(true);
    expect((await demo.units(undefined, `?after=${cursor}`)).reached).toBe(true);
    const { epoch, position } = parseCursor(cursor);
    expect((await demo.units(undefined, `?after=${epoch}-${position + 1_000_000}`)).reached).toBe(false);
  });
});
