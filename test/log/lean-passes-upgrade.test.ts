import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { append } from '../../src/log/append.ts';
import { createRandom, chooseSeed, type Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import { connect, migratedUpTo } from './lean-passes-before.ts';

let url: string;
let admin: Client;

beforeEach(async () => {
  url = await migratedUpTo(11);
  admin = await connect(url);
});

const text = `position, id, org_id, site_id, unit_id, type, data::text, stream, version, meta::text, created_at::text,
  committed_at::text, timeline, control, room, log_oid`;

async function readLog(below = Number.MAX_SAFE_INTEGER) {
  const { rows } = await admin.query(
    `select ${text} from commitcast.log where position < $1 order by position`,
    [below],
  );
  return rows as Record<string, unknown>[];
}

/** Constraints of the partitions that Postgres would look at for each row. */
async function checks() {
  const { rows } = await admin.query<{ partition: string }>(
    `select 'commitcast.' || relname as partition from pg_constraint join pg_class c on c.oid = conrelid
     where contype = 'c' and conrelid in (select inhrelid from pg_inherits where inhparent = 'commitcast.log'::regclass)
     order by conrelid`,
  );
  return rows.map(({ partition }) => partition);
}

async function partitions() {
  const { rows } = await admin.query<{ name: string; to: string }>(
    'select name, to_position as to from commitcast.partition order by from_position',
  );
  return rows.map(({ name, to }) => ({ name, to: Number(to) }));
}

/** Events of all kinds, in two of four partitions; somebody's rights are revoked, and an org is erased. */
async function live(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    for (let n = 0; n < 8; n++) {
      await append(admin, {
        org: n % 4 === 3 ? 'gone' : 'acme',
        type: `old-${turn}`,
        data: { name: `Jane ${n}`, filler: 'x'.repeat(n * 1_000) },
        ...(n % 2 ? { stream: `s${n % 4}`, meta: { by: 'kim' } } : {}),
        ...(n % 3 ? { site: 'berlin' } : {}),
        ...(n % 3 === 2 ? { unit: 'truck' } : {}),
      });
    }
    if (turn === 1) break;
    const [first] = await partitions();
    await admin.query(`select setval('commitcast.position', $1, false)`, [first?.to]);
    await admin.query('select commitcast.make_partitions()');
  }
  await admin.query(`select commitcast.revoke('acme', 'kim', 's1')`);
  await admin.query(`select commitcast.erase('gone', null, 'asked for')`);
}

interface Said {
  writer: number;
  turn: number;
}

/** Transactions of one session until the signal. */
async function write(writer: number, random: Random, signal: AbortSignal, said: Said[]): Promise<void> {
  const client = await connect(url);
  for (let turn = 0; !signal.aborted; turn++) {
    const isolation = random.pick(['read committed', 'repeatable read']);
    await client.query(`begin isolation level ${isolation}`);
    const own: Said[] = [];
    const count = 1 + random.below(3);
    for (let n = 0; n < count; n++) {
      const data = { writer, turn: turn * 10 + n };
      own.push(data);
      await append(client, {
        org: 'acme',
        type: 'new',
        data: { ...data, filler: 'y'.repeat(random.below(3_000)) },
        ...(random.chance(0.5) ? { stream: `own-${writer}` } : {}),
        ...(random.chance(0.5) ? { site: 'berlin', meta: { writer } } : {}),
        ...(random.chance(0.3) ? { unit: 'truck' } : {}),
      });
      if (random.chance(0.2)) await client.query('set constraints all immediate');
    }
    if (random.chance(0.1)) {
      await client.query('rollback');
    } else {
      await client.query('commit');
      said.push(...own);
    }
  }
}

function startWriters(count: number) {
  const random = createRandom(chooseSeed('upgrade'));
  const stop = new AbortController();
  const said: Said[][] = Array.from({ length: count }, () => []);
  const finished = Promise.all(said.map((own, writer) => write(writer, random.fork(), stop.signal, own)));
  finished.catch(() => undefined);
  onTestFinished(() => stop.abort());
  return {
    said,
    total: () => said.reduce((sum, own) => sum + own.length, 0),
    async goOn(more: number) {
      const goal = said.map((own) => own.length + more);
      await Promise.race([until(() => said.every((own, n) => own.length >= (goal[n] ?? 0))), finished]);
    },
    async stop() {
      stop.abort();
      await finished;
    },
  };
}

it('P1, P2, P5: beside writers that never pause, no commit fails; nothing is lost, doubled or out of order; what was logged before stays', async () => {
  await live();
  const before = await readLog();
  expect(before).toHaveLength(18);
  expect(await checks()).toEqual((await partitions()).map(({ name }) => `commitcast.${name}`));
  const revocations = await admin.query('select * from commitcast.revocation');
  const erasures = await admin.query('select * from commitcast.erasure');

  const writers = startWriters(8);
  await writers.goOn(20);
  await migrate({ connectionString: url });
  await writers.goOn(20);
  await writers.stop();

  expect(await readLog(Number(before.at(-1)?.['position']) + 1)).toEqual(before);
  expect((await admin.query('select * from commitcast.revocation')).rows).toEqual(revocations.rows);
  expect((await admin.query('select * from commitcast.erasure')).rows).toEqual(erasures.rows);
  expect(await checks()).toEqual([]);

  const { rows } = await admin.query<{ writer: number; turns: number[] }>(
    `select (data->>'writer')::int as writer, array_agg((data->>'turn')::int order by position) as turns
     from commitcast.log where type = 'new' group by 1 order by 1`,
  );
  expect(rows).toEqual(writers.said.map((own, writer) => ({ writer, turns: own.map(({ turn }) => turn) })));
  const streams = await admin.query<{ dense: boolean; known: boolean }>(
    `select array_agg(version order by position) = array_agg(n order by n) as dense, max(version) = max(known) as known
     from (
       select l.*, row_number() over (partition by l.org_id, l.stream order by l.version) as n, s.version as known
       from commitcast.log l join commitcast.stream s using (org_id, stream)
     ) numbered group by org_id, stream`,
  );
  expect(streams.rows.length).toBeGreaterThanOrEqual(9);
  expect(streams.rows.filter(({ dense, known }) => !dense || !known)).toEqual([]);
});

/** Waits until a session waits for a lock of the table; gives up with the migration, which tries again. */
const untilWaiting = (application: string, table: string) =>
  until(async () => {
    const { rows } = await admin.query(
      `select from pg_locks l join pg_stat_activity using (pid)
       where application_name = $1 and relation = $2::regclass and not granted`,
      [application, `commitcast.${table}`],
    );
    return rows.length > 0;
  });

it.each([
  ['before the migration has the outbox', true],
  ['while the migration waits for the log', false],
])(
  'P5: a transaction that has read the log, and appends %s, commits; so does the migration',
  async (_, early) => {
    const decider = await connect(url);
    await decider.query(`set application_name = 'decider'; begin; select from commitcast.log`);
    const writer = await connect(url);
    await writer.query('begin');
    if (early) await append(writer, { org: 'acme', type: 'written', data: null });
    const migrated = migrate({ connectionString: url });
    migrated.catch(() => undefined);
    await untilWaiting('commitcast-migrate', early ? 'outbox' : 'log');
    const decided = append(decider, { org: 'acme', type: 'decided', data: null });
    decided.catch(() => undefined);
    // Behind the migration; or in front of it, if that has let go meanwhile.
    if (early) await Promise.race([untilWaiting('decider', 'outbox'), decided]);
    await writer.query('commit');
    await decided;
    await decider.query('commit');
    await migrated;
    const types = (await readLog()).map(({ type }) => type);
    expect(types).toEqual(early ? ['written', 'decided'] : ['decided']);
  },
);

it('the room of old and new events is that of their scope, and an erasure meets both', async () => {
  await live();
  await migrate({ connectionString: url });
  for (const scope of [{}, { site: 'berlin' }, { unit: 'truck' }, { site: 'berlin', unit: 'truck' }])
    await append(admin, { org: 'acme', type: 'new', data: { name: 'Jane' }, stream: 's1', ...scope });
  const log = await readLog();
  for (const { org_id: org, site_id: site, unit_id: unit, room } of log as Record<string, string | null>[])
    expect(room).toBe(`org:${org}${unit !== null ? `:unit:${unit}` : site !== null ? `:site:${site}` : ''}`);
  expect(new Set(log.map(({ room }) => room)).size).toBe(6);

  await admin.query(`select commitcast.erase('acme', 's1', null)`);
  const after = await readLog();
  for (const [n, row] of log.entries()) {
    if (row['stream'] !== 's1') expect(after[n]).toEqual(row);
    else {
      expect(after[n]).toMatchObject({ data: expect.stringContaining('$erased') as string, meta: null });
      expect({ ...after[n], data: row['data'], meta: row['meta'] }).toEqual(row);
    }
  }
  expect(log.filter(({ stream, type }) => stream === 's1' && type !== 'new')).toHaveLength(4);
  await admin.query('update commitcast.relay set published = (select max(position) from commitcast.log)');
  expect((await admin.query('select commitcast.sweep_erasures()::int as left')).rows).toEqual([{ left: 0 }]);
});

it('partitions that are made later attach, take events, and are as closed as all others', async () => {
  await live();
  await migrate({ connectionString: url });
  const ending = (await partitions()).at(-1)?.to ?? 0;
  await admin.query(`select setval('commitcast.position', $1, false)`, [ending - 1]);
  await admin.query('select commitcast.make_partitions()');
  const late = (await partitions()).filter(({ to }) => to > ending);
  expect(late.length).toBeGreaterThanOrEqual(2);
  const ids = [randomUUID(), randomUUID()];
  for (const id of ids)
    await append(admin, { id, org: 'acme', unit: 'truck', type: 'late', data: { a: 1 }, stream: 's1' });
  const { rows } = await admin.query(
    `select (select 'commitcast.' || relname from pg_class c where c.oid = log.tableoid) as partition, id, version, room from commitcast.log where type = 'late' order by position`,
  );
  const names = (await partitions()).map(({ name }) => `commitcast.${name}`);
  const at = names.indexOf(`commitcast.${late[0]?.name}`);
  expect(rows).toEqual([
    { partition: names[at - 1], id: ids[0], version: '5', room: 'org:acme:unit:truck' },
    { partition: names[at], id: ids[1], version: '6', room: 'org:acme:unit:truck' },
  ]);
  expect(await checks()).toEqual([]);
  for (const { name } of await partitions())
    for (const statement of [`update commitcast.${name} set room = ''`, `delete from commitcast.${name}`])
      await expect(admin.query(statement)).rejects.toMatchObject({ code: 'CC005' });
  const size = (late[0]?.to ?? 0) - ending;
  const outside = `insert into commitcast.${late[0]?.name} select (jsonb_populate_record(l, '{"position": ${ending + size}}')).*
    from commitcast.log l where type = 'late' limit 1`;
  await expect(admin.query(outside)).rejects.toMatchObject({ code: '23514' });
});
