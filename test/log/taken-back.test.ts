import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chooseSeed, createRandom } from '../support/random.ts';
import { insertEvent, typesInLog } from '../support/transactions.ts';
import { bothWays, type PassesDatabase } from './passes-database.ts';

let database: PassesDatabase;
let client: Client;
let before: number;

beforeEach(async () => {
  await client.query('rollback; reset session_replication_role');
  before = (await typesInLog(client)).length;
});

/** Types of this test's events, in the order of their positions. */
const logged = async () => (await typesInLog(client)).slice(before);

const insert = (...types: string[]) =>
  `insert into commitcast.outbox (org_id, type, data) values ${types.map((type) => `('acme', '${type}', '{}')`).join(', ')}`;
const remove = (type: string) => `delete from commitcast.outbox where type = '${type}'`;
const immediate = 'set constraints all immediate';
const deferred = 'set constraints all deferred';

const transactions: Record<string, { steps: string[]; published: string[] }> = {
  'the only one': { steps: [insert('1'), remove('1')], published: [] },
  'the first of many': { steps: [insert('1', '2', '3'), remove('1')], published: ['2', '3'] },
  'one in the midst of many': { steps: [insert('1', '2', '3'), remove('2')], published: ['1', '3'] },
  'the last of many': { steps: [insert('1'), insert('2'), insert('3'), remove('3')], published: ['1', '2'] },
  'all of many': { steps: [insert('1', '2', '3'), 'delete from commitcast.outbox'], published: [] },
  'before others are inserted': {
    steps: [insert('1'), remove('1'), insert('2'), insert('3')],
    published: ['2', '3'],
  },
  'and inserted again': { steps: [insert('1', '2'), remove('1'), insert('1')], published: ['2', '1'] },
  'none: nothing was found to delete': {
    steps: [insert('1'), remove('2'), insert('3')],
    published: ['1', '3'],
  },
  'after constraints were made immediate': {
    steps: [insert('1', '2', '3'), immediate, remove('2')],
    published: ['1', '3'],
  },
  'after constraints were made immediate twice': {
    steps: [insert('1', '2'), immediate, insert('3'), immediate, remove('1'), insert('4'), remove('3')],
    published: ['2', '4'],
  },
  'before constraints are made immediate': {
    steps: [insert('1', '2'), remove('1'), immediate, insert('3'), immediate],
    published: ['2', '3'],
  },
  'while constraints are immediate, and then deferred again': {
    steps: [immediate, insert('1', '2'), remove('1'), deferred, insert('3', '4'), remove('3')],
    published: ['2', '4'],
  },
  'after the first pass alone was made immediate': {
    steps: [
      insert('1', '2'),
      'set constraints commitcast.hand_on immediate',
      remove('2'),
      insert('3', '4'),
      remove('3'),
    ],
    published: ['1', '4'],
  },
};

const savepoints: Record<string, { steps: string[]; published: string[] }> = {
  'in a savepoint that is kept': {
    steps: [insert('1', '2'), 'savepoint s', remove('1'), 'release s', insert('3')],
    published: ['2', '3'],
  },
  'in a savepoint that is rolled back: it is published': {
    steps: [insert('1', '2'), 'savepoint s', remove('1'), 'rollback to s', insert('3')],
    published: ['1', '2', '3'],
  },
  'in one that is rolled back, and another in one that is kept': {
    steps: [
      insert('1', '2', '3'),
      'savepoint s',
      remove('1'),
      'rollback to s',
      'savepoint t',
      remove('2'),
      'release t',
    ],
    published: ['1', '3'],
  },
  'after constraints were made immediate, in a savepoint that is rolled back': {
    steps: [insert('1', '2'), immediate, 'savepoint s', remove('1'), immediate, 'rollback to s', insert('3')],
    published: ['1', '2', '3'],
  },
  'with constraints made immediate, in a savepoint that is rolled back': {
    steps: [insert('1', '2'), 'savepoint s', immediate, remove('1'), 'rollback to s', remove('2')],
    published: ['1'],
  },
  'where a savepoint that is rolled back had rows in the same place': {
    steps: ['savepoint s', insert('1', '2'), immediate, 'rollback to s', insert('3', '4'), remove('3')],
    published: ['4'],
  },
  'in a savepoint within one that is rolled back': {
    steps: [
      insert('1', '2'),
      'savepoint s',
      insert('3'),
      'savepoint t',
      remove('1'),
      'release t',
      'rollback to s',
      insert('4'),
    ],
    published: ['1', '2', '4'],
  },
};

describe.each(bothWays)('%s,', (_server, create) => {
  beforeAll(async () => {
    database = await create();
    client = await database.connect();
  });

  describe('P1: a DELETE before the COMMIT takes an event back, and no other:', () => {
    it.each(Object.entries({ ...transactions, ...savepoints }))('%s', async (_, { steps, published }) => {
      await client.query('begin');
      for (const step of steps) await client.query(step);
      expect(await logged()).toEqual([]);
      await client.query('commit');
      expect(await logged()).toEqual(published);
    });

    it.each(Object.entries({ ...transactions, ...savepoints }))(
      '%s, in one message',
      async (_, { steps, published }) => {
        await client.query(['begin', ...steps, 'commit'].join(';'));
        expect(await logged()).toEqual(published);
      },
    );

    it.each(Object.entries(transactions))('%s, in one DO block', async (_, { steps, published }) => {
      await client.query(`do $$ begin ${steps.join(';')}; end $$`);
      expect(await logged()).toEqual(published);
    });

    it('in a block of PL/pgSQL that fails: it is published', async () => {
      await client.query(`do $$ begin
      ${insert('1', '2')};
      begin ${remove('1')}; raise 'no'; exception when raise_exception then null; end;
      ${insert('3')};
    end $$`);
      expect(await logged()).toEqual(['1', '2', '3']);
    });

    it('at the COMMIT, in a deferred trigger of the business', async () => {
      await client.query(`
      create table part (type text);
      create function retract() returns trigger language plpgsql as $$
      begin
        delete from commitcast.outbox where type = new.type;
        return null;
      end $$;
      create constraint trigger retract after insert on part deferrable initially deferred
      for each row execute function retract()`);
      await client.query('begin');
      await client.query(insert('1', '2'));
      await client.query(`insert into part values ('1'), ('3')`);
      await client.query(insert('3', '4'));
      await client.query('commit');
      expect(await logged()).toEqual(['2', '4']);
    });

    it('under session_replication_role = replica', async () => {
      await client.query('set session_replication_role = replica');
      await client.query(['begin', insert('1', '2'), remove('1'), 'commit'].join(';'));
      expect(await logged()).toEqual(['2']);
    });

    it('by a role that may delete, and nothing more', async () => {
      const url = await database.urlAsMemberOf('commitcast_writer');
      await client.query(`grant select, delete on commitcast.outbox to ${new URL(url).username}`);
      const other = await database.connect(url);
      await other.query(['begin', insert('1', '2', '3'), immediate, remove('2'), 'commit'].join(';'));
      expect(await logged()).toEqual(['1', '3']);
    });
  });

  it('what one transaction takes back is forgotten by the next of its session', async () => {
    await client.query(['begin', insert('1', '2'), remove('1'), 'commit'].join(';'));
    await insertEvent(client, '3');
    await client.query(['begin', insert('4'), remove('4'), 'rollback'].join(';'));
    await client.query(['begin', insert('5', '6'), 'commit'].join(';'));
    expect(await logged()).toEqual(['2', '3', '5', '6']);
  });

  it('rows that ended transactions have left behind are deleted without a word, and take nothing back', async () => {
    await insertEvent(client, '1');
    await client.query(['begin', insert('2'), remove('1'), 'commit'].join(';'));
    expect(await logged()).toEqual(['1', '2']);
  });

  it('P1: whatever a transaction inserts, takes back, makes immediate and rolls back, the others are published, once, in order', async () => {
    const random = createRandom(chooseSeed('taken back'));
    const expected: string[] = [];
    for (let round = 0; round < 120; round++) {
      const steps = ['begin'];
      // What the transaction has to say; with that of each open savepoint, when it was set.
      let said: string[] = [];
      const open: string[][] = [];
      const length = 3 + random.below(14);
      for (let n = 0; n < length; n++) {
        const victim = said[random.below(said.length)];
        if (random.chance(0.4)) {
          const types = Array.from({ length: 1 + random.below(3) }, (_, turn) => `${round}.${n}.${turn}`);
          steps.push(insert(...types));
          said = [...said, ...types];
        } else if (random.chance(0.35) && victim !== undefined) {
          steps.push(remove(victim));
          said = said.filter((type) => type !== victim);
        } else if (open.length < 2 && random.chance(0.5)) {
          // Deeper, Postgres forgets to undo it when the savepoint is released and the one around it rolled back.
          steps.push(random.pick([immediate, immediate, deferred]));
        } else if (random.chance(0.5) || open.length === 0) {
          steps.push(`savepoint s${open.length}`);
          open.push(said);
        } else {
          const kept = open.pop() as string[];
          if (random.chance(0.5)) steps.push(`release s${open.length}`);
          else {
            steps.push(`rollback to s${open.length}; release s${open.length}`);
            said = kept;
          }
        }
      }
      const end = random.chance(0.85) ? 'commit' : 'rollback';
      if (end === 'commit') expected.push(...said);
      if (random.chance(0.5)) await client.query([...steps, end].join(';'));
      else for (const step of [...steps, end]) await client.query(step);
      expect(await logged(), [...steps, end].join(';\n')).toEqual(expected);
    }
  });
});
