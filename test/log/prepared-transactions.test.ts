import { expect, it } from 'vitest';
import { readCommitting } from '../../src/log/read-committing.ts';
import { insertEvent, typesInLog } from '../support/transactions.ts';
import { createPreparingDatabase } from './passes-database.ts';

const database = await createPreparingDatabase();

it.each(['simple', 'extended'])('P5: PREPARE TRANSACTION is refused (%s protocol)', async (protocol) => {
  const [writer, reader] = [await database.connect(), await database.connect()];
  const before = await typesInLog(reader);
  await writer.query('begin');
  await insertEvent(writer, 'prepared');
  const text = `prepare transaction 'two phases' -- as a transaction manager sends it`;
  const prepared = writer.query(protocol === 'simple' ? text : { text, values: [], name: 'p' });
  await expect(prepared).rejects.toMatchObject({ code: 'CC006' });
  expect(await readCommitting(reader)).toEqual([]);
  await insertEvent(reader, 'other');
  expect(await typesInLog(reader)).toEqual([...before, 'other']);
});
