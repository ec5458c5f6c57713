import { randomBytes, randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { bothWays, type PassesDatabase } from './passes-database.ts';

let database: PassesDatabase;
let client: Client;

/** Not to be compressed, so that it does not fit into a page. */
const noise = (bytes: number) =>
  randomBytes(Math.ceil(bytes * 0.75))
    .toString('base64')
    .slice(0, bytes);

const payloads: [what: string, data: string, meta: string | null][] = [
  ['200 kB of noise', JSON.stringify({ noise: noise(200_000) }), null],
  [
    '200 kB of noise, with meta of 16 kB',
    JSON.stringify([noise(200_000)]),
    JSON.stringify({ of: noise(16_000) }),
  ],
  ['200 kB of repetition, with meta', JSON.stringify('ab'.repeat(100_000)), '{"by": "kim"}'],
  ['8 kB of noise', JSON.stringify({ noise: noise(8_000) }), null],
  [
    '8 kB of noise, with meta of 8 kB',
    JSON.stringify({ noise: noise(8_000) }),
    JSON.stringify({ of: noise(8_000) }),
  ],
  ['2 kB, at the border of a row', JSON.stringify(noise(2_000)), JSON.stringify({ of: noise(100) })],
  ['as much as is allowed', JSON.stringify('x'.repeat(262_142)), null],
  ['8,000 objects', JSON.stringify(Array.from({ length: 8_000 }, (_, n) => ({ n, 'ü 🚚': null }))), null],
  ['numbers as they are written', '[1.50, 1e-7, 12345678901234567890.000, -0, 0.0]', '{"n": 1.000}'],
  ['escapes', String.raw`{"a\\\"\n\u0001 ": "\ud83d\ude9a \\ \/ \u00fc"}`, '{"": {}}'],
  ['a JSON null', 'null', '{}'],
  ['an empty string', '""', null],
];

const columns = `id, org_id, site_id, unit_id, type, data::text, stream, version, meta::text, created_at::text, control`;

const said = async (table: 'outbox' | 'log', org: string) => {
  const order = table === 'log' ? 'position' : 'ctid';
  const { rows } = await client.query(
    `select ${columns} from commitcast.${table} where org_id = $1 order by ${order}`,
    [org],
  );
  return rows as Record<string, unknown>[];
};

const insert = (org: string, data: string, meta: string | null, stream: string | null = null) =>
  client.query(
    `insert into commitcast.outbox (org_id, site_id, unit_id, type, data, meta, stream) values ($1, 's', 'u', 'x', $2, $3, $4)`,
    [org, data, meta, stream],
  );

/** What Postgres makes of the text: the reference, which never saw the outbox. */
const asJson = async (text: string | null) => {
  const { rows } = await client.query<{ text: string | null }>('select $1::jsonb::text as text', [text]);
  return rows[0]?.text ?? null;
};

describe.each(bothWays)('P1: %s, what is logged is to the byte what was inserted:', (_server, create) => {
  beforeAll(async () => {
    database = await create();
    client = await database.connect();
  });

  it.each(payloads)('%s', async (_, data, meta) => {
    const org = randomUUID();
    await insert(org, data, meta);
    const [row] = await said('log', org);
    expect(row?.['data'] === (await asJson(data))).toBe(true);
    expect(row?.['meta']).toBe(await asJson(meta));
  });

  it.each<[string, string[]]>([
    ['all in one transaction', []],
    ['after constraints were made immediate', ['set constraints all immediate']],
    [
      'after constraints were made immediate twice',
      ['set constraints all immediate', 'set constraints all immediate'],
    ],
    [
      'around one that was taken back',
      [`delete from commitcast.outbox where data = '"taken back"' and tx = pg_current_xact_id()`],
    ],
  ])('%s, in order, in every column', async (_, steps) => {
    const org = randomUUID();
    await client.query('begin');
    await insert(org, '"taken back"', null);
    for (const [n, [, data, meta]] of payloads.entries())
      await insert(org, data, meta, n % 3 ? `s${n % 3}` : null);
    for (const step of steps) await client.query(step);
    const outbox = await said('outbox', org);
    expect(outbox).toHaveLength(payloads.length + (_.includes('taken back') ? 0 : 1));
    await client.query('commit');
    const log = await said('log', org);
    expect(log.map(({ data }) => String(data).length)).toEqual(outbox.map(({ data }) => String(data).length));
    expect(log).toEqual(outbox);
    const { rows } = await client.query('select distinct room from commitcast.log where org_id = $1', [org]);
    expect(rows).toEqual([{ room: `org:${org}:unit:u` }]);
  });

  it('also once the outbox was emptied', async () => {
    const org = randomUUID();
    for (const [, data, meta] of payloads) await insert(org, data, meta);
    const before = await said('log', org);
    await client.query('select commitcast.clear_outbox()');
    await client.query('vacuum commitcast.outbox, commitcast.committing');
    expect(await said('outbox', org)).toEqual([]);
    expect(await said('log', org)).toEqual(before);
    expect(before).toHaveLength(payloads.length);
  });
});
