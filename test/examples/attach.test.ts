import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { openClient } from '../client/integration/world.ts';
import { createDatabase } from '../support/database.ts';
import { secret } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { examples, startExample } from './run-example.ts';

const cwd = join(examples, 'attach');
const programs = readdirSync(cwd).filter((name) => /\.(?:mjs|ts)$/.test(name));

it('there is an example of each framework', () => {
  expect(programs).toEqual(['express.mjs', 'nest.ts', 'node.mjs']);
});

it.each(programs)(
  'P1: %s: what its route commits arrives, what it rolls back does not; it ends in order when it is told to',
  async (program) => {
    const database = await createDatabase();
    await database.pool.query(readFileSync(join(cwd, 'doors.sql'), 'utf8'));
    await database.pool.query(
      `insert into doors values ('truck-7', 'shut'), ('truck-8', 'shut');
       create function refuse() returns trigger language plpgsql as $$ begin raise 'it stays shut'; end $$;
       -- At the commit, when the event has been appended.
       create constraint trigger stays_shut after update on doors deferrable initially deferred
         for each row when (new.unit = 'truck-8') execute function refuse()`,
    );
    const runTypeScript = program.endsWith('.ts') ? ['--import', 'tsx'] : [];
    const example = startExample(process.execPath, [...runTypeScript, program], {
      cwd,
      env: { DATABASE_URL: database.url, JWT_SECRET: secret, PORT: '0' },
    });
    const url = await example.says(/http:\S+/);
    const client = openClient(url);
    const seen: unknown[] = [];
    client.subscribe({ deep: true }).on('*', ({ unit, type }) => seen.push([unit, type]));
    await client.live();
    const open = async (unit: string) =>
      (await fetch(`${url}/doors/${unit}/open`, { method: 'POST' })).status;

    expect([await open('truck-7'), await open('truck-8')]).toEqual([204, 500]);
    await append(database.pool, { org: 'acme', type: 'after', data: null });
    await until(() => seen.length > 1);
    expect(seen).toEqual([
      ['truck-7', 'door.opened'],
      [undefined, 'after'],
    ]);
    example.signal('SIGTERM');
    // Nest ends by the signal that it was sent, when all is closed.
    expect(await example.ended).toBe(program === 'nest.ts' ? 'SIGTERM' : 0);
    await until(() => client.state.name !== 'live');
  },
);
