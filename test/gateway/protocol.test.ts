import { expect, it } from 'vitest';
import { connectClient, type TestClientOptions } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const refusal = { code: 'PROTOCOL_UNSUPPORTED', supported: [1] };

it.each([[1], ['1'], [null], [undefined]])(
  'a handshake that names protocol %j is let in',
  async (protocol) => {
    const { url } = await startServer(database);
    const client = await connectClient(url, { protocol } as TestClientOptions);
    expect(await client.live()).toMatchObject({ subscriptions: [{}] });
  },
);

it.each([[2], [0], [1.5], ['01'], ['latest'], [true], [[1]], [{ version: 1 }]])(
  'protocol %j is refused with what this server speaks, before the token is looked at, and stock clients stay away',
  async (protocol) => {
    const { url } = await startServer(database);
    const client = await connectClient(url, { protocol, token: 'rubbish' } as unknown as TestClientOptions);
    expect((await until(() => client.refusals[0])).data).toEqual(refusal);
    expect(client.socket.active).toBe(false);
  },
);

it('the same of a stream of server-sent events, whose query says it as text', async () => {
  const { url } = await startServer(database);
  const headers = { authorization: `Bearer ${await signToken()}`, accept: 'text/event-stream' };
  const ask = (protocol: string) =>
    fetch(`${url}/v1/events/stream?protocol=${protocol}`, { headers, method: 'GET' });
  for (const protocol of ['2', 'x', '']) {
    const refused = await ask(protocol);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: refusal });
  }
  const taken = await ask('1');
  expect(taken.status).toBe(200);
  await taken.body?.cancel();
});
