import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { startOurs, startStock, untilHeard, type Instance } from './instances.ts';

const database = await createDatabase();

/** Where an application makes namespaces as clients ask for them, these are names that a client may ask for. */
const injection = '/x"; create table public.injected (); --';
const long = `/${'n'.repeat(80)}`;

const isInjected = async () => {
  const { rows } = await database.pool.query<{ yes: boolean }>(
    `select to_regclass('public.injected') is not null as yes`,
  );
  return rows[0]?.yes;
};

function inNamespace({ io }: Instance, name: string) {
  const heard: string[] = [];
  const namespace = io.of(name);
  namespace.on('note', (note: string) => heard.push(note));
  return { heard, say: (note: string) => void namespace.serverSideEmit('note', note) };
}

describe('the name of a namespace that a client makes up', () => {
  it('stock: is executed', async () => {
    const there = startStock(database.url);
    const here = startStock(database.url);
    await untilHeard(here, there);
    inNamespace(there, injection);
    await until(isInjected);
    await database.pool.query('drop table public.injected');
  });

  it('stock: of more than 63 bytes is a namespace in which nobody is heard', async () => {
    const [there, here] = [startStock(database.url), startStock(database.url)];
    await untilHeard(here, there);
    inNamespace(there, long);
    inNamespace(here, long).say('lost');
    await until(() => here.errors.length > 0);
    expect(here.errors).toMatchObject(here.errors.map(() => ({ message: 'channel name too long' })));
  });

  it('ours: is a name, whatever it is', async () => {
    const [there, here] = [await startOurs(database.url), await startOurs(database.url)];
    await untilHeard(here, there);
    for (const name of [injection, long, '/ünï"cödé', '/with\0nothing', '/plain']) {
      const listening = inNamespace(there, name);
      const speaking = inNamespace(here, name);
      await until(() => {
        speaking.say(name);
        return listening.heard.length > 0;
      });
      expect(listening.heard[0]).toBe(name);
    }
    expect(await isInjected()).toBe(false);
    expect([here.state, there.state]).toEqual(['ok', 'ok']);
  });
});
