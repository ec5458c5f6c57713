import { knex } from 'knex';
import { expect, it, onTestFinished } from 'vitest';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';

it.each([true, false])(
  'what a guard says over Knex has neither the statement nor a value before it (compileSqlOnError: %s)',
  async (compileSqlOnError) => {
    const database = await createDatabase();
    const db = knex({ client: 'pg', connection: database.url, compileSqlOnError });
    onTestFinished(() => db.destroy());
    const event = { org: 'acme', type: 'note', data: 'secret - KEY_REUSED: no' };
    // Its text could be taken for where a message begins.
    const key = 'import - EVENT_INVALID: a';
    await append(db, event, { key });
    await expect(append(db, { ...event, data: 2 }, { key })).rejects.toMatchObject({
      code: 'KEY_REUSED',
      message: `the key '${key}' was used before, for other events`,
    });
    const deep = JSON.parse(`${'['.repeat(300)}${']'.repeat(300)}`) as unknown;
    const error = await append(db, { ...event, data: [event.data, deep] }).catch((one: unknown) => one);
    expect(error).toMatchObject({
      code: 'EVENT_INVALID',
      message: expect.not.stringMatching(/insert|secret/) as string,
    });
    expect(error).toMatchObject({ message: expect.not.stringMatching(/^EVENT_INVALID/) as string });
  },
);
