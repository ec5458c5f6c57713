import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { rowsOf } from '../../src/db/executor.ts';
import { Demo, demoOrgs } from '../../src/demo/demo.ts';
import { readRecorded } from '../../src/demo/recorded.ts';
import { administer } from '../support/administer.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { until } from '../support/until.ts';

describe('the demo', () => {
  let database: TestDatabase;
  let expectNoLeaks: () => Promise<void>;

  beforeEach(async () => {
    database = await createDatabase();
    expectNoLeaks = await watchLeaks(database);
  });
  afterEach(() => expectNoLeaks());

  async function startDemo(): Promise<Demo> {
    const demo = new Demo({ db: database.pool, logger: silentLogger, eventsPerSecond: 300 });
    onTestFinished(() => demo.stop());
    await demo.start();
    return demo;
  }

  const count = async (where = 'true') => {
    const [row] = await rowsOf<{ n: number }>(
      database.pool,
      `select count(*)::int as n from commitcast.log where ${where}`,
    );
    return row?.n ?? 0;
  };

  const runUntil = async (condition: () => Promise<boolean>) => {
    const demo = await startDemo();
    await until(condition);
    await demo.stop();
  };

  /** Chance decides what comes when: until each kind has come. */
  const everything = async () =>
    (await count()) > 200 &&
    (await count(`type = 'rollback.counted'`)) > 5 &&
    (await count('site_id is not null and unit_id is null')) > 0 &&
    (await count('site_id is null and unit_id is null')) > 0;

  it('has events that agree with its tables, and none of what was rolled back', async () => {
    await runUntil(everything);
    expect(await count(`type = 'ghost.appended'`)).toBe(0);
    expect(await disagreements(database)).toEqual([]);
    expect(await gapsInNumbers(database)).toEqual([]);
    expect(await count(`org_id not like 'demo-%'`)).toBe(0);
  });

  it('shows temperatures as they were recorded', async () => {
    await runUntil(async () => (await count(`type = 'reading.recorded'`)) > 50);
    const recorded = new Map((await readRecorded()).map((row) => [row.time, row]));
    expect(recorded.size).toBe(8_759);
    const readings = await rowsOf<{ data: { recorded: string; temperature: number; pressure: number } }>(
      database.pool,
      `select data from commitcast.log where type = 'reading.recorded'`,
    );
    for (const { data } of readings)
      expect(recorded.get(data.recorded)).toMatchObject({
        temperature: data.temperature,
        pressure: data.pressure,
      });
  });

  it('names, in its orgs, hours that the recorded series has', async () => {
    const hours = new Set((await readRecorded()).map(({ time }) => time));
    const units = demoOrgs.flatMap(({ sites }) => sites.flatMap((site) => site.units));
    expect(units.filter(({ from }) => !hours.has(from))).toEqual([]);
  });

  it('continues after a restart where it stopped', async () => {
    await runUntil(async () => (await count()) > 50);
    const before = await count();
    await runUntil(async () => (await count()) > before + 50);
    expect(await disagreements(database)).toEqual([]);
    expect(await gapsInNumbers(database)).toEqual([]);
  });

  it('survives the loss of its connections', async () => {
    const demo = await startDemo();
    await until(async () => (await count()) > 30);
    for (let times = 0; times < 3; times++) {
      const before = await count();
      await administer(
        database.url,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      );
      await until(async () => (await count()) > before + 30);
    }
    await demo.stop();
    expect(await disagreements(database)).toEqual([]);
    expect(await gapsInNumbers(database)).toEqual([]);
  });

  it('may be started and stopped in any order, and several at once', async () => {
    const demos = [1, 2, 3].map(
      () => new Demo({ db: database.pool, logger: silentLogger, eventsPerSecond: 100 }),
    );
    await Promise.all(demos.map((demo) => demo.start()));
    await until(async () => (await count()) > 50);
    await Promise.all(demos.map((demo) => demo.stop()));
    const ended = await count();
    await Promise.all(demos.map((demo) => demo.stop()));
    await new Demo({ db: database.pool, logger: silentLogger }).stop();
    expect(await count()).toBe(ended);
    expect(await disagreements(database)).toEqual([]);
  });
});

/** Rows of the tables that their last event contradicts. */
function disagreements(database: TestDatabase): Promise<unknown[]> {
  const ofUnit = 'org_id = unit.org_id and unit_id = unit.id';
  const ofSite = 'org_id = site.org_id and site_id = site.id and unit_id is null';
  return rowsOf(
    database.pool,
    `select unit.org_id, unit.id, to_jsonb(unit) as row, reading.data, alarm.type, door.type
     from commitcast_demo.unit as unit
     ${last(`'reading.recorded'`, ofUnit, 'reading')}
     ${last(`'alarm.raised', 'alarm.cleared'`, ofUnit, 'alarm')}
     ${last(`'door.opened', 'door.closed'`, ofUnit, 'door')}
     where unit.readings is distinct from coalesce((reading.data->>'number')::int, 0)
       or unit.temperature is distinct from (reading.data->>'temperature')::float8
       or unit.alarm is distinct from coalesce(alarm.type = 'alarm.raised', false)
       or unit.alarm is distinct from coalesce((reading.data->>'alarm')::bool, false)
       or unit.door_open is distinct from coalesce(door.type = 'door.opened', false)
     union all
     select site.org_id, site.id, to_jsonb(site), alarm.data, alarm.type, null
     from commitcast_demo.site as site
     ${last(`'alarm.raised', 'alarm.cleared'`, ofSite, 'alarm')}
     where site.alarm is distinct from coalesce(alarm.type = 'alarm.raised', false)
       or site.alarm is distinct from
         (select count(*) >= 2 from commitcast_demo.unit where org_id = site.org_id and site_id = site.id and alarm)
     union all
     select org.id, null, to_jsonb(org), counted.data, null, null
     from commitcast_demo.org as org
     ${last(`'rollback.counted'`, 'org_id = org.id', 'counted')}
     where org.rolled_back is distinct from coalesce((counted.data->>'count')::int, 0)`,
  );
}

/** Readings whose number is not the one after the reading before, in the order of positions. */
function gapsInNumbers(database: TestDatabase): Promise<unknown[]> {
  return rowsOf(
    database.pool,
    `select * from (
       select position, org_id, unit_id, (data->>'number')::int as number,
         row_number() over (partition by org_id, unit_id order by position) as expected
       from commitcast.log where type = 'reading.recorded') as numbered
     where number <> expected`,
  );
}

/** Joins the last event of such types, as `alias`. */
function last(types: string, scope: string, alias: string): string {
  return `
    left join lateral (
      select type, data from commitcast.log where type in (${types}) and ${scope} order by position desc limit 1
    ) ${alias} on true`;
}
