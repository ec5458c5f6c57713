import { expect, it } from 'vitest';
import type { ServerResponse } from 'node:http';
import { append } from '../../src/log/append.ts';
import { revoke } from '../../src/log/revoke.ts';
import { createDatabase } from '../support/database.ts';
import { openStream } from '../support/event-source.ts';
import { startServer, type TestServerOptions } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

// Far more than the kernel's buffers of both sides hold, some hundred times.
const data = 'x'.repeat(40_000);

async function start(options: TestServerOptions = {}) {
  const database = await createDatabase();
  const responses = new Map<string, ServerResponse>();
  const server = await startServer(database, {
    ...options,
    setUp: (app) => {
      app.addHook('onRequest', (request, reply, done) => {
        responses.set(String(request.headers['x-name']), reply.raw);
        done();
      });
    },
  });
  const open = async (sub: string, query: Record<string, string>) => {
    const token = await signToken({ sub });
    const stream = openStream(server.url, { token, query, headers: { 'x-name': sub }, reconnect: false });
    await stream.live();
    return stream;
  };
  const fill = (type: string) =>
    append(
      database.pool,
      Array.from({ length: 30 }, (_, n) => ({ org: 'acme', type, data, unit: `u${n % 3}` })),
    );
  return { database, server, open, fill, responseOf: (sub: string) => responses.get(sub) };
}

it('P5: a stream that is not read delays nobody, costs bounded memory, and has everything when it is read again', async () => {
  const { database, open, fill, responseOf } = await start();
  const [slow, other] = await Promise.all([open('slow', { deep: 'true' }), open('other', { deep: 'true' })]);
  slow.reading.pause();
  let worst = 0;
  for (let n = 1; n <= 30; n++) {
    await fill('large');
    await until(() => other.events.length === n * 30);
    worst = Math.max(worst, responseOf('slow')?.writableLength ?? Infinity);
  }
  expect(slow.events.length).toBeLessThan(900);
  // The limit, and what one page of the log has at most; were it all kept, 36 MB.
  expect(worst).toBeLessThan(256 * 1024 + 1.5 * 1024 * 1024);
  expect(worst).toBeGreaterThan(0);

  slow.reading.resume();
  await slow.live(2);
  await append(database.pool, { org: 'acme', type: 'last', data: null });
  await until(() => slow.events.at(-1)?.type === 'last');
  expect(slow.positions).toEqual(other.positions);
  expect([slow.closes, slow.drops, slow.resets]).toEqual([[], 0, []]);
});

it.each([
  { unit: 'u1', query: { unit: 'u1' } },
  { unit: undefined, query: { deep: 'true' } },
])(
  'P4: a stream that is not read, and has left live delivery, loses $unit meanwhile: nothing that came after is sent to it',
  async ({ unit, query }) => {
    const { database, server, open, fill } = await start();
    const [kim, lee] = await Promise.all([open('kim', query), open('lee', query)]);
    kim.reading.pause();
    let had = 0;
    // Until it has been left behind for some while: the others are a megabyte further each time.
    for (let n = 1; n <= 25; n++) {
      await fill('before');
      had += unit === undefined ? 30 : 10;
      await until(() => lee.events.length === had);
    }
    await revoke(database.pool, { org: 'acme', user: 'kim', ...(unit === undefined ? {} : { unit }) });
    await fill('after');
    await append(database.pool, { org: 'acme', type: 'last', data: null });
    await until(() => lee.events.at(-1)?.type === 'last');
    kim.reading.resume();

    if (unit === undefined) await until(() => kim.drops === 1);
    else await until(() => kim.events.at(-1)?.type === 'last');
    const types = new Set(kim.events.map(({ type }) => type));
    expect([...types]).toEqual(unit === undefined ? ['before'] : ['before', 'last']);
    const before = kim.positions.filter((position) => position !== lee.positions.at(-1));
    expect(before.length).toBeLessThan(had);
    expect(before).toEqual(lee.positions.slice(0, before.length));
    expect(kim.messages.filter(({ name }) => name === 'revoked').map(({ data: said }) => said)).toEqual([
      unit === undefined ? {} : { subscription: { unit } },
    ]);
    expect(kim.closes).toMatchObject(unit === undefined ? [{ code: 'ORG_FORBIDDEN', retry: false }] : []);
    expect(server.app.commitcast.cursor()).toBe(lee.lastEventId);
  },
);
