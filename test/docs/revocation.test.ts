import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { expect, it, onTestFinished } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import { shows } from '../../src/gateway/rights.ts';
import { append } from '../../src/log/append.ts';
import { revoke } from '../../src/log/revoke.ts';
import { openClient } from '../client/integration/world.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken, type Claims } from '../support/tokens.ts';
import { once as onceTold, until } from '../support/until.ts';
import { folderWith, Guide } from './guide-page.ts';

const guide = new Guide('revocation.md');
const types = ({ events }: TestClient) => events.map(({ type }) => type);

/** What `rights.mjs` exports, with a database of drizzle. */
interface Rights {
  dismiss: (db: object, org: string, user: string) => Promise<unknown>;
  narrow: (db: object, org: string, user: string, units: string[]) => Promise<unknown>;
  leaveCrew: (db: object, org: string, user: string, unit: string) => Promise<unknown>;
}

async function openRights(database: TestDatabase) {
  await database.pool.query(
    `create table crew (person text, truck text);
     insert into crew values ('kim', 'truck-7');
     insert into commitcast.membership (user_id, org_id) values ('kim', 'acme')`,
  );
  const folder = await folderWith({ 'rights.mjs': guide.block('rights.mjs') });
  const rights = (await import(pathToFileURL(`${folder}/rights.mjs`).href)) as Rights;
  return { rights, db: drizzle(database.pool) };
}

const ofMembership = (claims: Claims = {}) => signToken({ sub: 'kim', org_id: undefined, ...claims });
const note = (database: TestDatabase, type: string, unit?: string) =>
  append(database.pool, { org: 'acme', type, data: null, ...(unit === undefined ? {} : { unit }) });

it('P4: `leaveCrew` as printed: who leaves hears of it, and of nothing after; the other subscription goes on', async () => {
  const database = await createDatabase();
  const { rights, db } = await openRights(database);
  const server = await startServer(database);
  const client = openClient(server.url, { token: await ofMembership() });
  const seen: unknown[] = [];
  const crew = client.subscribe({ unit: 'truck-7' });
  crew.on('*', ({ type }) => seen.push(type));
  client.subscribe({ unit: 'truck-8' }).on('*', ({ type }) => seen.push(type));
  await client.live();
  await rights.leaveCrew(db, 'acme', 'kim', 'truck-7');
  await note(database, 'of the crew', 'truck-7');
  await note(database, 'of the other', 'truck-8');
  await until(() => seen.length > 1);
  expect(seen).toEqual(['crew.left', 'of the other']);
  expect(crew.state).toEqual({ name: 'denied', code: 'SUBSCRIPTION_DENIED' });
  expect(client.state.name).toBe('live');
  expect((await database.pool.query('select * from crew')).rows).toEqual([]);
});

it('P4: `narrow` as printed: the client comes back by itself, with less, and misses nothing of that', async () => {
  const database = await createDatabase();
  const { rights, db } = await openRights(database);
  const server = await startServer(database);
  const subscriptions = [{ unit: 'truck-7' }, { unit: 'truck-8' }];
  const client = await connectClient(server.url, { token: await ofMembership(), subscriptions });
  // What its token says, it says until it ends.
  const sworn = await connectClient(server.url, {
    token: await ofMembership({ units: ['truck-7', 'truck-8'] }),
    subscriptions,
  });
  await Promise.all([client.live(), sworn.live()]);
  await rights.narrow(db, 'acme', 'kim', ['truck-8']);
  await note(database, 'seven', 'truck-7');
  await note(database, 'eight', 'truck-8');
  expect((await client.live(2)).subscriptions).toEqual([{}, { unit: 'truck-8' }]);
  expect((await sworn.live(2)).subscriptions).toEqual([{}, ...subscriptions]);
  await until(() => types(client).length > 0 && types(sworn).length > 1);
  expect([types(client), types(sworn)]).toEqual([['eight'], ['seven', 'eight']]);
  expect(client.closes).toMatchObject([{ code: 'RIGHTS_CHANGED', retry: true }]);
});

it('P4: `dismiss` as printed: told and closed for good; what comes again is refused as the page says', async () => {
  const database = await createDatabase();
  const { rights, db } = await openRights(database);
  const server = await startServer(database);
  const token = await signToken({ sub: 'kim' });
  const client = await connectClient(server.url, { token });
  await client.live();
  const revoked = onceTold<[object]>(client.socket, 'revoked');
  await rights.dismiss(db, 'acme', 'kim');
  expect(await revoked).toEqual([{}]);
  await until(() => client.closes.length > 0);
  expect(client.closes).toMatchObject([{ code: 'ORG_FORBIDDEN', retry: false }]);

  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${server.url}/v1/events`, { headers });
  expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'ORG_FORBIDDEN' } }]);
  const again = openClient(server.url, { token });
  const nameless = openClient(server.url, { token: await ofMembership() });
  for (const [each, code] of [
    [again, 'ORG_FORBIDDEN'],
    [nameless, 'ORG_REQUIRED'],
  ] as const)
    expect(await until(() => each.state.name === 'denied' && each.state)).toMatchObject({ reason: { code } });
});

it('P4: the statement of the page takes the unit', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = await connectClient(server.url, {
    token: await signToken({ sub: 'kim' }),
    subscriptions: [{ unit: 'truck-7' }],
  });
  await client.live();
  const revoked = onceTold<[object]>(client.socket, 'revoked');
  await database.pool.query(guide.block('revoke'));
  expect(await revoked).toEqual([{ subscription: { unit: 'truck-7' } }]);
});

it('what `authorize` says anew changes nothing of a session until its token is renewed', async () => {
  const database = await createDatabase();
  let allowed = true;
  const server = await startServer(database, { authorize: () => allowed });
  const client = await connectClient(server.url, { subscriptions: [{ unit: 'truck-7' }] });
  await client.live();
  allowed = false;
  await note(database, 'still', 'truck-7');
  await until(() => types(client).includes('still'));
  const revoked = onceTold<[object]>(client.socket, 'revoked');
  await client.socket.emitWithAck('authenticate', { token: await signToken() });
  expect(await revoked).toEqual([{ subscription: { unit: 'truck-7' } }]);
});

it('an admin whose org is revoked sees no metrics any more; a membership makes none', async () => {
  const database = await createDatabase();
  await openRights(database);
  await database.pool.query(`update commitcast.membership set role = 'admin'`);
  const server = await startServer(database, { localOperator: false });
  const ask = async (token: string) => {
    const answer = await fetch(`${server.url}/v1/status`, { headers: { authorization: `Bearer ${token}` } });
    return answer.ok ? 'ok' : ((await answer.json()) as { error: { code: string } }).error.code;
  };
  const admin = await signToken({ sub: 'root', role: 'admin' });
  expect([await ask(admin), await ask(await ofMembership())]).toEqual(['ok', 'ADMIN_REQUIRED']);
  await revoke(database.pool, { org: 'acme', user: 'root' });
  await until(async () => (await ask(admin)) !== 'ok');
  expect(await ask(admin)).toBe('ORG_FORBIDDEN');
});

/** Scopes as a cell of the page writes them. */
const scopesIn = (cell: string) =>
  [...cell.matchAll(/`(\{.*?\})`/g)].map(([, text = '']): Subscription => {
    const json = text.replaceAll(/(\w+):/g, '"$1":').replaceAll("'", '"');
    return JSON.parse(json) as Subscription;
  });

it('the table says what goes with what', () => {
  const table = guide.text.split('## What goes with what')[1]?.split('\n## ')[0] ?? '';
  const rows = [...table.matchAll(/^\| ((?:site|unit) .*?) +\| (.*?) \| (.*?) \|$/gm)];
  expect(rows).toHaveLength(3);
  for (const [, taken = '', ends = '', stays = ''] of rows) {
    const [site, unit] = ['site', 'unit'].map((what) => new RegExp(`${what} \`(\\w+)\``).exec(taken)?.[1]);
    for (const [cell, lost] of [[ends, true] as const, [stays, false] as const]) {
      expect(scopesIn(cell).length).toBeGreaterThan(1);
      for (const scope of scopesIn(cell))
        expect(shows(scope, { site, unit }), `${taken} ${JSON.stringify(scope)}`).toBe(lost);
    }
    expect(shows({}, { site, unit })).toBe(false);
  }
});

it('the test of the page passes as printed, against the built package', async () => {
  const database = await createDatabase();
  const names = ['rights.mjs', 'rights.test.mjs'];
  const folder = await folderWith(Object.fromEntries(names.map((name) => [name, guide.block(name)])));
  const child = spawn(process.execPath, ['--test', '--test-timeout=50000', `${folder}/rights.test.mjs`], {
    env: { ...process.env, DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number];
  expect(code, output).toBe(0);
  expect(output).toMatch(/pass 1/);
});
