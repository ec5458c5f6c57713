import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { copyIn } from '../support/copy-in.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let client: Client;
let org: string;

beforeAll(async () => {
  database = await createDatabase();
});

beforeEach(async () => {
  org = randomUUID();
  client = await database.connect();
});

afterEach(() => client.end());

type Row = Record<string, string | null>;

const inCopy = (value: string | null) =>
  value === null
    ? '\\N'
    : value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');

const whole = (row: Row): Row => ({ org_id: org, type: 'tried', data: '{}', ...row });

/** All in one statement. Every row has the columns of the first. */
const ways: Record<string, (rows: Row[], db?: Client) => Promise<unknown>> = {
  'by COPY': (rows, db = client) => {
    const columns = Object.keys(whole(rows[0] ?? {}));
    const lines = rows.map((row) => columns.map((column) => inCopy(whole(row)[column] ?? null)).join('\t'));
    return copyIn(db, `copy commitcast.outbox (${columns.join(', ')}) from stdin`, `${lines.join('\n')}\n`);
  },
  'under session_replication_role = replica': async (rows, db = client) => {
    await db.query('set session_replication_role = replica');
    const columns = Object.keys(whole(rows[0] ?? {}));
    const values = rows.flatMap((row) => columns.map((column) => whole(row)[column] ?? null));
    const places = rows.map(
      (_, row) => `(${columns.map((_column, n) => `$${row * columns.length + n + 1}`).join(', ')})`,
    );
    return db.query(
      `insert into commitcast.outbox (${columns.join(', ')}) values ${places.join(', ')}`,
      values,
    );
  },
};

const deep = '['.repeat(600) + ']'.repeat(600);

const refused: [what: string, row: Row, state: string, start: string][] = [
  ['an org with a colon', { org_id: 'a:b' }, 'CC001', 'EVENT_INVALID: '],
  ['a site with a space', { site_id: 'a b' }, 'CC001', 'EVENT_INVALID: '],
  ['an empty unit', { unit_id: '' }, 'CC001', 'EVENT_INVALID: '],
  ['a unit of 129 characters', { unit_id: 'u'.repeat(129) }, 'CC001', 'EVENT_INVALID: '],
  ['a time without end', { created_at: 'infinity' }, 'CC001', 'EVENT_INVALID: created_at'],
  ['a time before the year 1', { created_at: '0044-03-15 BC' }, 'CC001', 'EVENT_INVALID: created_at'],
  ['a time after the year 9999', { created_at: '10000-01-01' }, 'CC001', 'EVENT_INVALID: created_at'],
  ['an empty type', { type: '' }, 'CC001', 'EVENT_INVALID: type'],
  ['a type of 256 characters', { type: 'a'.repeat(256) }, 'CC001', 'EVENT_INVALID: type'],
  ['a type with a newline', { type: 'a\nb' }, 'CC001', 'EVENT_INVALID: type'],
  ['a reserved type', { type: 'commitcast.revoked' }, 'CC003', 'EVENT_NAME_RESERVED: '],
  ['control without a reserved type', { control: 'true' }, 'CC003', 'EVENT_NAME_RESERVED: '],
  ['data of 262,145 bytes', { data: `"${'x'.repeat(262_143)}"` }, 'CC002', 'EVENT_TOO_LARGE: data'],
  ['data without end', { data: deep }, 'CC001', 'EVENT_INVALID: data and meta'],
  ['a list as meta', { meta: '[]' }, 'CC001', 'EVENT_INVALID: meta'],
  ['a JSON null as meta', { meta: 'null' }, 'CC001', 'EVENT_INVALID: meta'],
  ['meta of 16,385 bytes', { meta: `{"a": "${'x'.repeat(16_376)}"}` }, 'CC002', 'EVENT_TOO_LARGE: meta'],
  ['meta without end', { meta: `{"a": ${deep}}` }, 'CC001', 'EVENT_INVALID: data and meta'],
  ['an empty stream', { stream: '' }, 'CC001', 'EVENT_INVALID: stream'],
  ['a stream of 256 characters', { stream: 'ü'.repeat(256) }, 'CC001', 'EVENT_INVALID: stream'],
  ['a stream with a tabulator', { stream: 'a\tb' }, 'CC001', 'EVENT_INVALID: stream'],
  ['a version without a stream', { version: '1' }, 'CC001', 'EVENT_INVALID: a version'],
  ['version 0', { stream: 's', version: '0' }, 'CC001', 'EVENT_INVALID: version starts at 1'],
  ['a version that is not the next', { stream: 's', version: '2' }, 'CC007', 'VERSION_CONFLICT: '],
  [
    'a version that was given beforehand, of no stream that can be',
    { stream: '', version: '1', versioned: 'true' },
    'CC001',
    'EVENT_INVALID: stream',
  ],
  [
    'version 0 that was given beforehand',
    { stream: 's', version: '0', versioned: 'true' },
    'CC001',
    'EVENT_INVALID: version starts at 1',
  ],
];

const logged = async () => {
  const { rows } = await database.pool.query<{ type: string; version: string | null }>(
    'select type, version from commitcast.log where org_id = $1 order by position',
    [org],
  );
  return rows.map(({ type, version }) => (version === null ? type : `${type} ${version}`));
};

describe.each(Object.entries(ways))(
  'the outbox refuses, %s, and logs nothing of the transaction:',
  (_, insert) => {
    it.each(refused)('%s', async (_what, row, state, start) => {
      await expect(insert([row])).rejects.toMatchObject({
        code: state,
        message: expect.stringMatching(`^${start}`) as string,
      });
      expect(await logged()).toEqual([]);
      const { rows } = await database.pool.query('select from commitcast.stream where org_id = $1', [org]);
      expect(rows).toEqual([]);
    });

    it('all for the sake of the last', async () => {
      const good: Row = { type: 'good', stream: 's' };
      await expect(insert([good, good, { ...good, type: '' }])).rejects.toMatchObject({ code: 'CC001' });
      await expect(insert([good, good, { ...good, stream: 'x'.repeat(300) }])).rejects.toMatchObject({
        code: 'CC001',
      });
      expect(await logged()).toEqual([]);
    });

    it('the 10,001st', async () => {
      const many = Array.from({ length: 10_001 }, () => ({ type: 'many' }));
      await expect(insert(many)).rejects.toMatchObject({
        code: 'CC004',
        message: expect.stringMatching('^TOO_MANY_EVENTS: ') as string,
      });
      expect(await logged()).toEqual([]);
      await insert(many.slice(1));
      expect(await logged()).toHaveLength(10_000);
    });

    it('an event without data', async () => {
      const sql = ['copy commitcast.outbox (org_id, type) from stdin', `acme\ttried\n`] as const;
      await expect(copyIn(client, ...sql)).rejects.toMatchObject({ code: '23502' });
    });

    it('none that it would take otherwise: they are published in order, with the versions of their streams', async () => {
      await insert([
        { type: 'a', stream: 's', version: null, data: 'null' },
        { type: 'b', stream: null, version: null, data: '"b"' },
        { type: 'c', stream: 's', version: '2', data: '3' },
        { type: 'd', stream: 't', version: null, data: '[4]' },
      ]);
      expect(await logged()).toEqual(['a 1', 'b', 'c 2', 'd 1']);
    });

    it('neither a row of another transaction, as of a restored dump, whatever it says: it is never published', async () => {
      await insert([
        {
          type: 'commitcast.revoked',
          created_at: 'infinity',
          stream: 's',
          version: '9',
          meta: '[]',
          tx: '7',
        },
      ]);
      await insert([{ type: 'next', stream: 's', version: '1' }]);
      expect(await logged()).toEqual(['next 1']);
    });
  },
);

describe('under session_replication_role = replica', () => {
  it.each([
    [`update commitcast.outbox set type = 'changed'`],
    [`delete from commitcast.outbox where version is not null and tx = pg_current_xact_id()`],
    [`update commitcast.log set data = '{}'`],
    [`delete from commitcast.log`],
    [`truncate commitcast.log`],
  ])('what was said stays refused to be changed: %s', async (statement) => {
    await client.query('begin; set local session_replication_role = replica');
    await ways['by COPY']?.([{ stream: 's' }]);
    await expect(client.query(statement)).rejects.toMatchObject({ code: 'CC005' });
    await client.query('rollback');
    expect(await logged()).toEqual([]);
  });
});

describe('a writer', () => {
  it.each<[string, Row]>([
    ['a control event', { type: 'commitcast.revoked', control: 'true' }],
    ['another transaction', { tx: '7' }],
    ['a version that nobody has given', { stream: 's', version: '9', versioned: 'true' }],
  ])('may not, by COPY, speak for others: %s', async (_, row) => {
    const writer = await database.connect(await database.urlAsMemberOf('commitcast_writer'));
    await expect(ways['by COPY']?.([row], writer)).rejects.toMatchObject({ code: '42501' });
    await ways['by COPY']?.([{ type: 'mine', stream: 's', version: '1' }], writer);
    expect(await logged()).toEqual(['mine 1']);
  });
});
