import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pauseConsumer } from '../../src/consumer/operate.ts';
import { answeredRows } from '../../src/log/answered-rows.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';

const text = 'update t set n = 1 returning id, n';
const rows = [
  { id: 'a', n: 1 },
  { id: 'b', n: 1 },
];

describe('the rows of an answer', () => {
  it.each<[string, unknown]>([
    ['as pg answers', { rows, rowCount: 2 }],
    ['as postgres.js does, and TypeORM for what only reads', rows],
    ['as TypeORM does for an update: with a count', [rows, 2]],
    ['as TypeORM does for an update of which nobody counted', [rows, null]],
  ])('are found, %s', (_form, answer) => {
    expect(answeredRows(text, answer)).toEqual(rows);
  });

  it.each<[string, unknown]>([
    ['an update of nothing, by TypeORM', [[], 0]],
    ['a reading of nothing', []],
    ['{ rows: [] }', { rows: [] }],
  ])('are none: %s', (_form, answer) => {
    expect(answeredRows(text, answer)).toEqual([]);
  });

  it.each<[string, unknown]>([
    [
      'two rows',
      [
        ['a', 1],
        ['b', 1],
      ],
    ],
    ['one row', [['a', 1]]],
    ['two rows of one column, of which the second is no count', [['a'], ['b']]],
    ['rows within { rows }', { rows: [['a', 1]] }],
    ['values', ['a', 'b']],
    ['nothing', [null]],
  ])('have names of columns, or are refused: %s', (_form, answer) => {
    expect(() => answeredRows(text, answer)).toThrow(
      expect.objectContaining({
        code: 'TRANSACTION_INVALID',
        message: expect.stringContaining('names of columns') as string,
      }),
    );
  });
});

it('a driver that answers as TypeORM does may append, and operate a consumer', async () => {
  const database = await createDatabase();
  const pool = new Pool({ connectionString: database.url });
  onTestFinished(() => pool.end());
  const seen: string[] = [];
  // PostgresQueryRunner.query of TypeORM decides by the command.
  const manager = {
    async query(sql: string, values?: unknown[]): Promise<unknown[]> {
      const result = await pool.query<Record<string, unknown>>(sql, values);
      seen.push(result.command);
      return ['UPDATE', 'DELETE'].includes(result.command) ? [result.rows, result.rowCount] : result.rows;
    },
  };
  expect(await append(manager, { org: 'acme', type: 'x', data: null })).toHaveLength(1);
  await expect(pauseConsumer(manager, 'nobody')).rejects.toMatchObject({ code: 'CONSUMER_UNKNOWN' });
  await pool.query(
    `insert into commitcast.consumer (name, partitions, rebuildable) values ('copy', 1, false)`,
  );
  await pauseConsumer(manager, 'copy');
  expect(seen).toContain('UPDATE');
  const { rows: paused } = await pool.query('select paused from commitcast.consumer');
  expect(paused).toEqual([{ paused: true }]);
});
