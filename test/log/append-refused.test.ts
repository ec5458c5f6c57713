import type { Client } from 'pg';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Code } from '../../src/core/codes.ts';
import type { NewEvent } from '../../src/core/event.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createDatabase();
  client = await database.connect();
});

// Whatever is refused here, nothing of its transaction may be in the log.
afterEach(async () => {
  await client.query('rollback');
  const { rows } = await database.pool.query('select type, org_id from commitcast.log');
  expect(rows).toEqual([]);
});

const good = { org: 'acme', type: 'good', data: {} };
const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;

const badIds = {
  empty: '',
  'with a colon': 'acme:unit:x',
  'with a space': 'a b',
  'with a quote': "a'b",
  'with a double quote': 'a"b',
  'with a star': '*',
  'with a newline': 'acme\n',
  'with a letter beyond ASCII': 'ächt',
  'of 129 characters': 'a'.repeat(129),
  'of 10,000 characters': 'a'.repeat(10_000),
};

const refused: Record<string, [unknown, Code]> = {
  'no event': [null, 'EVENT_INVALID'],
  'a text': ['event', 'EVENT_INVALID'],
  'a list of lists': [[[good]], 'EVENT_INVALID'],
  'no org': [{ type: 'a', data: {} }, 'EVENT_INVALID'],
  'a null site': [{ ...good, site: null }, 'EVENT_INVALID'],
  'a number as unit': [{ ...good, unit: 7 }, 'EVENT_INVALID'],
  'no type': [{ org: 'acme', data: {} }, 'EVENT_INVALID'],
  'an empty type': [{ ...good, type: '' }, 'EVENT_INVALID'],
  'a type of 256 characters': [{ ...good, type: 'a'.repeat(256) }, 'EVENT_INVALID'],
  'a type with a control character': [{ ...good, type: 'a\nb' }, 'EVENT_INVALID'],
  'a type with half a surrogate pair': [{ ...good, type: 'a\ud800' }, 'EVENT_INVALID'],
  'no data': [{ org: 'acme', type: 'a' }, 'EVENT_INVALID'],
  'a function as data': [{ ...good, data: () => 1 }, 'EVENT_INVALID'],
  'a cycle in data': [{ ...good, data: cycle }, 'EVENT_INVALID'],
  'a cycle in meta': [{ ...good, meta: cycle }, 'EVENT_INVALID'],
  'a bigint in data': [{ ...good, data: { n: 1n } }, 'EVENT_INVALID'],
  '\\u0000 in data': [{ ...good, data: { text: 'a\0b' } }, 'EVENT_INVALID'],
  '\\u0000 in meta': [{ ...good, meta: { text: '\0' } }, 'EVENT_INVALID'],
  'half a surrogate pair in data': [{ ...good, data: '\udc00' }, 'EVENT_INVALID'],
  'an unknown field': [{ ...good, tenant: 'x' }, 'EVENT_INVALID'],
  'the column name of a field': [{ ...good, unit_id: 'x' }, 'EVENT_INVALID'],
  'an id that is no UUID': [{ ...good, id: '17' }, 'EVENT_INVALID'],
  'a null stream': [{ ...good, stream: null }, 'EVENT_INVALID'],
  'a number as stream': [{ ...good, stream: 5 }, 'EVENT_INVALID'],
  'a stream with a control character': [{ ...good, stream: 'a\tb' }, 'EVENT_INVALID'],
  'version 0': [{ ...good, version: 0 }, 'EVENT_INVALID'],
  'version 1.5': [{ ...good, version: 1.5 }, 'EVENT_INVALID'],
  'a list as meta': [{ ...good, meta: [] }, 'EVENT_INVALID'],
  'a text as meta': [{ ...good, meta: 'x' }, 'EVENT_INVALID'],
  'data of 262,145 bytes': [{ ...good, data: 'x'.repeat(262_143) }, 'EVENT_TOO_LARGE'],
  'data of 262,145 bytes in fewer characters': [{ ...good, data: 'ü'.repeat(131_072) }, 'EVENT_TOO_LARGE'],
  'data that is too large only as jsonb text': [
    { ...good, data: Array.from({ length: 131_000 }, () => 1) },
    'EVENT_TOO_LARGE',
  ],
  'meta of 16,385 bytes': [{ ...good, meta: { a: 'x'.repeat(16_385) } }, 'EVENT_TOO_LARGE'],
  'a reserved type': [{ ...good, type: 'commitcast.revoked' }, 'EVENT_NAME_RESERVED'],
};

describe('append refuses with its code, and logs nothing of the transaction:', () => {
  it.each(Object.entries(refused))('%s', async (_, [event, code]) => {
    await client.query('begin');
    await append(client, good);
    await expect(append(client, event as NewEvent)).rejects.toMatchObject({ name: 'CommitcastError', code });
    await client.query('rollback');
  });

  it.each(Object.entries(badIds))('an id %s as org, site or unit', async (_, id) => {
    for (const field of ['org', 'site', 'unit']) {
      await expect(append(client, { ...good, [field]: id })).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    }
  });

  it('the 10,001st event of a transaction, whatever chunks it came in', async () => {
    const events = Array.from({ length: 4_000 }, () => good);
    await client.query('begin');
    await append(client, events);
    await append(client, events);
    await expect(append(client, events)).rejects.toMatchObject({ code: 'TOO_MANY_EVENTS' });
    await expect(client.query('commit')).resolves.toMatchObject({ command: 'ROLLBACK' });
  });

  it('an error of the database that is none of its own, as it is', async () => {
    await client.query('begin');
    await client.query('select 1/0').catch(() => undefined);
    await expect(append(client, good)).rejects.toMatchObject({ code: '25P02' });
  });
});
