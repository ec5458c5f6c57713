import { expect, it } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { signToken, type TokenOptions } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import { expectExactly, openClient, record, truth, write } from './world.ts';

const sockets = ({ app }: TestServer) => [...app.commitcast.io.of('/').sockets.values()];

/** A token function that does one thing after the other, and then always the last. */
function inTurn(...steps: (TokenOptions | Error)[]) {
  const turns = {
    asked: 0,
    get: async () => {
      const step = steps[Math.min(turns.asked++, steps.length - 1)];
      if (step instanceof Error) throw step;
      return signToken({ email: `token-${turns.asked}` }, step);
    },
  };
  return turns;
}

it('a token is replaced before it expires, on the same connection', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const tokens = inTurn({ ttlSeconds: 3 }, { ttlSeconds: 3_600 });
  const client = openClient(server.url, { token: tokens.get });
  const seen = record(client.subscribe({ deep: true }));
  await client.live();
  const before = sockets(server).map(({ id }) => id);
  // What the server knows of the token that the session has now.
  const email = () => (sockets(server)[0]?.data as { email?: string } | undefined)?.email;
  expect(email()).toBe('token-1');
  await until(() => email() === 'token-2', { timeoutMs: 7_000 });
  await write(database, 'u1');
  await expectExactly(seen, await truth(database, { deep: true }));
  expect(sockets(server).map(({ id }) => id)).toEqual(before);
  expect(client.states).toEqual(['connecting', 'catching-up', 'live']);
  expect(client.errors).toEqual([]);
});

it('after TOKEN_EXPIRED a new one is got, and the session goes on without a hole', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  // Within the tolerance for the clocks, for two more seconds; and the renewal fails.
  const tokens = inTurn({ ttlSeconds: -3 }, new Error('nobody at home'), {});
  const client = openClient(server.url, { token: tokens.get });
  const reasons: unknown[] = [];
  client.onState((state) => {
    if (state.name === 'offline') reasons.push(state.reason.code);
  });
  const seen = record(client.subscribe({ deep: true }));
  await client.live();
  await write(database, 'u1');
  await until(() => tokens.asked >= 3);
  await write(database, 'u1');
  await expectExactly(seen, await truth(database, { deep: true }));
  await client.live();
  expect(reasons).toEqual(['TOKEN_EXPIRED']);
  expect(tokens.asked).toBe(3);
  expect(client.errors.map(({ error }) => error)).toEqual([new Error('nobody at home')]);
});

it('a token that is refused at the handshake is asked for once more, then it is `denied`', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  let asked = 0;
  const client = openClient(server.url, {
    token: () => {
      asked++;
      return 'no token at all';
    },
  });
  const state = await until(() => client.state.name === 'denied' && client.state);
  expect(state).toMatchObject({ reason: { code: 'TOKEN_INVALID' } });
  expect(asked).toBe(2);
});

it('a token that is a string and expires ends in `denied`', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url, { token: await signToken({}, { ttlSeconds: -60 }) });
  const state = await until(() => client.state.name === 'denied' && client.state);
  expect(state).toMatchObject({ reason: { code: 'TOKEN_EXPIRED' } });
});

it('a token function that fails is `offline`, and asked again by itself', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const tokens = inTurn(new Error('one'), new Error('two'), {});
  const client = openClient(server.url, { token: tokens.get });
  await client.live();
  expect(client.states.join(' ')).toBe('connecting offline connecting offline connecting catching-up live');
  expect(client.errors.map(({ error }) => (error as Error).message)).toEqual(['one', 'two']);
});

it.each([undefined, null, ''])(
  'a token function that returns %o is `denied`, until `connect()`',
  async (none) => {
    const database = await createDatabase();
    const server = await startServer(database);
    let token: string | null | undefined = none;
    const client = openClient(server.url, { token: () => token as string });
    const seen = record(client.subscribe({ deep: true }));
    const state = await until(() => client.state.name === 'denied' && client.state);
    expect(state).toMatchObject({ reason: { code: 'TOKEN_REQUIRED' } });
    token = await signToken();
    client.connect();
    await client.live();
    await write(database, 'u1');
    await expectExactly(seen, await truth(database, { deep: true }));
  },
);

it('a handshake without an org that the user has is `denied` with the code of the server', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = openClient(server.url, { token: await signToken({ org_id: undefined }) });
  const state = await until(() => client.state.name === 'denied' && client.state);
  expect(state).toMatchObject({ reason: { code: 'ORG_REQUIRED' } });
});
