import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { checkHistory } from '../../src/testing/check-history.ts';
import { isSeenBy } from '../../src/testing/history.ts';
import { readWholeLog } from '../../src/testing/read-whole-log.ts';
import { createBusiness } from '../support/business.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { startWriters } from '../support/writers.ts';
import { startPython, type PythonClient, type Transport } from './python-client.ts';

const transports: Transport[] = ['websocket', 'polling'];

const appendTypes = ({ pool }: TestDatabase, ...types: string[]) =>
  append(
    pool,
    types.map((type) => ({ org: 'acme', type, data: null })),
  );

const live = (client: PythonClient, times = 1) =>
  until(() => client.heard('live').length >= times, { message: `live; it said: ${client.stderr}` });

/** Waits until it has all of its rooms since `after`, and expects that it has them once each, in their order, as written. */
async function expectWhole(database: TestDatabase, client: PythonClient, after = 0): Promise<void> {
  const log = (await readWholeLog(database.pool)).filter(({ position }) => position > after);
  const own = log.filter((event) => isSeenBy(client, event));
  await until(() => client.events.length >= own.length, { message: `${own.length} events` });
  expect(client.events).toEqual(own);
  const { examples, looked } = checkHistory({ log, clients: [client] });
  expect(examples).toEqual({});
  expect(looked.events).toBe(own.length);
}

describeWithTool('python3-socketio', 'a Python client that knows the wire table', () => {
  it.each(transports)(
    'P2, P3: over %s, with a server that restarts under writers, has each event of its rooms once, in order',
    async (transport) => {
      const database = await createDatabase();
      await createBusiness(database.pool);
      let server = await startServer(database);
      const port = Number(new URL(server.url).port);
      const client = await startPython(server.url, {
        token: await signToken(),
        subscriptions: [{ deep: true }],
        transport,
      });
      await live(client);
      const random = createRandom(chooseSeed(`python over ${transport}`));
      const writers = startWriters({
        url: database.url,
        random,
        transactions: 400,
        writers: 8,
        allowed: 150,
      });
      for (const [round, reached] of [75, 225].entries()) {
        await writers.reached(reached);
        await server.close();
        server = await startServer(database, { port });
        await live(client, 2 + round);
        writers.allow(400);
      }
      await writers.finished;
      await expectWhole(database, client);
      const close = { code: 'SHUTTING_DOWN', message: 'This instance is stopping', retry: true };
      expect(client.heard('close')).toEqual([close, close]);
      expect(client.heard('reset')).toEqual([]);
      expect(client.events.length).toBeGreaterThan(100);
    },
  );

  it.each(transports)(
    'P3: over %s, replays a long history from a cursor, then takes a burst of many messages',
    async (transport) => {
      const database = await createDatabase();
      const server = await startServer(database);
      const token = await signToken();
      const subscriptions = [{ unit: 'u-0' }, { unit: 'u-1' }];
      const first = await startPython(server.url, { token, transport, subscriptions });
      await live(first);
      const { cursor = '' } = first;
      for (let n = 0; n < 40; n++) {
        const data = { n, text: 'x'.repeat(60_000) };
        await append(
          database.pool,
          Array.from({ length: 10 }, () => ({ org: 'acme', type: 'long', data })),
        );
      }
      const late = await startPython(server.url, { token, transport, subscriptions, cursor });
      await live(late);
      // Of two rooms in turn, so each is a message of its own; over long polling many of them are one answer.
      const burst = Array.from({ length: 100 }, (_, n) => ({ unit: `u-${n % 2}`, type: 'short', data: n }));
      await append(
        database.pool,
        burst.map((event) => ({ org: 'acme', ...event })),
      );
      for (const client of [first, late]) {
        await expectWhole(database, client);
        expect(client.heard('connect')).toHaveLength(1);
      }
    },
  );

  it('takes text of any script, and numbers exactly up to 2^53', async () => {
    const database = await createDatabase();
    const server = await startServer(database);
    const client = await startPython(server.url, { token: await signToken() });
    await live(client);
    const data = {
      'Ω 漢字 👩‍🚀': ['é', 'e\u0301', '\u2028', '"\\/\u0001', '\u{10FFFF}'],
      numbers: [2 ** 53 - 1, -(2 ** 53 - 1), 0.1, 1e300, -0.5, 0],
      placeholder: { _placeholder: true, num: 0 },
    };
    await append(database.pool, { org: 'acme', type: 'naïve ☃', data, meta: { ключ: 'значение' } });
    await expectWhole(database, client);
    expect(client.events).toMatchObject([{ type: 'naïve ☃', data, meta: { ключ: 'значение' } }]);
  });

  it('is told `reset` for a cursor of another history, and goes on after it', async () => {
    const database = await createDatabase();
    const server = await startServer(database);
    const token = await signToken();
    const witness = await startPython(server.url, { token });
    await live(witness);
    await appendTypes(database, 'before');
    await until(() => witness.events.length === 1);
    const client = await startPython(server.url, { token, cursor: 'aaaaaaaa-1' });
    await live(client);
    const [reset] = client.heard<{ reason: string; cursor: string }>('reset');
    expect(reset).toEqual({ reason: 'unknown', cursor: expect.stringMatching(/-1$/) as string });
    await appendTypes(database, 'after');
    // What it says of an event, it says in two lines.
    await until(() => client.lines.length >= 7);
    expect(client.events.map(({ type }) => type)).toEqual(['after']);
    expect(client.lines.map(([name]) => name)).toEqual(
      'connect reset cursor live cursor event cursor'.split(' '),
    );
  });

  it.each([
    { code: 'TOKEN_INVALID', make: () => Promise.resolve('not.a.token'), cursor: 'aaaaaaaa-1' },
    { code: 'TOKEN_EXPIRED', make: () => signToken({}, { ttlSeconds: -60 }), cursor: 'aaaaaaaa-1' },
    { code: 'CURSOR_INVALID', make: () => signToken(), cursor: 'nonsense' },
  ])('P4: is refused with $code, and does not come back', async ({ code, make, cursor }) => {
    const database = await createDatabase();
    const server = await startServer(database);
    const client = await startPython(server.url, { token: await make(), cursor });
    expect(await client.ended).toBe(1);
    expect(client.stderr).toBe(`ended: ${code}\n`);
    expect(client.heard('connect_error')).toMatchObject([{ data: { code } }]);
    expect(client.lines.map(([name]) => name)).toEqual(['connect', 'connect_error']);
  });

  it('answers `token-expiring` with a new token', async () => {
    const database = await createDatabase();
    const server = await startServer(database);
    const client = await startPython(server.url, { token: await signToken({}, { ttlSeconds: 8 }) });
    await live(client);
    await client.giveToken(await signToken());
    await until(() => client.heard('ack').length > 0);
    expect(client.heard('ack')).toEqual([{ ok: true }]);
    await appendTypes(database, 'x');
    await expectWhole(database, client);
    expect(client.heard('live')).toHaveLength(1);
  });

  it('with no new token it is closed with TOKEN_EXPIRED, and does not come back', async () => {
    const server = await startServer(await createDatabase());
    const client = await startPython(server.url, { token: await signToken({}, { ttlSeconds: 2 }) });
    await live(client);
    await client.giveToken('not.a.token');
    expect(await client.ended).toBe(1);
    expect(client.stderr).toBe('ended: TOKEN_EXPIRED\n');
    expect(client.heard('close')).toMatchObject([{ code: 'TOKEN_EXPIRED', retry: false }]);
  });

  it('P4: two orgs never see each other', async () => {
    const database = await createDatabase();
    const server = await startServer(database);
    const clients = await Promise.all(
      ['acme', 'umbra'].map(async (org) => {
        const token = await signToken({ sub: `user of ${org}`, org_id: org });
        return startPython(server.url, { token, org, subscriptions: [{ deep: true }, { unit: 'u-1' }] });
      }),
    );
    await Promise.all(clients.map((client) => live(client)));
    for (let n = 0; n < 30; n++) {
      const org = n % 2 ? 'acme' : 'umbra';
      await append(database.pool, { org, ...(n % 3 ? { unit: 'u-1' } : {}), type: 'x', data: n });
    }
    for (const client of clients) await expectWhole(database, client);
    expect(clients.map(({ events }) => events.length)).toEqual([15, 15]);
  });
});
