import { expect, it } from 'vitest';
import { codes } from '../../src/core/codes.ts';
import type { LiveMessage } from '../../src/core/protocol.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { ask } from './ask.ts';

const database = await createDatabase();

it('a session has at most 1,000 subscriptions; each one beyond is told so, at the handshake, live and in catch-up', async () => {
  const server = await startServer(database);
  const many = Array.from({ length: 1_200 }, (_, n) => ({ unit: `unit-${n}` }));
  const client = await connectClient(server.url, { subscriptions: many });
  const live: LiveMessage = await client.live();
  expect(live.subscriptions).toHaveLength(1_000);
  expect(live.denied).toEqual(
    many.slice(999).map((subscription) => ({ subscription, code: 'SUBSCRIPTION_DENIED' })),
  );
  expect(await ask(client, 'subscribe', { unit: 'one-more' })).toMatchObject({
    error: { code: 'SUBSCRIPTION_DENIED' },
  });
  expect(await ask(client, 'subscribe', { unit: 'unit-7' })).toMatchObject({ ok: true });

  // Without a relay an instance looks at the log now and then only: until it does, this one is catching up.
  await server.close();
  await append(database.pool, { org: 'acme', unit: 'u1', type: 'unit', data: null });
  const slow = await startServer(database, { relay: false });
  const pending = await connectClient(slow.url);
  await until(() => pending.socket.connected);
  expect(pending.lives).toEqual([]);
  const answers = await Promise.all(many.map((subscription) => ask(pending, 'subscribe', subscription)));
  expect(answers.filter(({ ok }) => ok)).toHaveLength(999);
});

const invalid: Record<string, unknown[]> = {
  nothing: [],
  null: [null],
  'a number': [0],
  'a text': ['unit'],
  true: [true],
  'a list': [[{ unit: 'u1' }]],
  'another key': [{ unit: 'u1', limit: 1 }],
  'an org': [{ org: 'rival' }],
  'an org beside a unit': [{ org: 'rival', unit: 'u1' }],
  'site and unit': [{ site: 's1', unit: 'u1' }],
  'a deep unit': [{ unit: 'u1', deep: true }],
  'deep of another type': [{ deep: 1 }],
  'deep as a text': [{ site: 's1', deep: 'true' }],
  'an empty id': [{ unit: '' }],
  'null as an id': [{ unit: null }],
  'a list as an id': [{ unit: ['u1'] }],
  'an object as an id': [{ site: { toString: 's1' } }],
  'a colon': [{ site: 's1:unit:u1' }],
  'a star': [{ site: '*' }],
  'a space': [{ unit: 'u 1' }],
  'a quote': [{ unit: "u'1" }],
  'a line break': [{ unit: 'u1\n' }],
  'a null byte': [{ unit: 'u1\0' }],
  'a letter of another script': [{ unit: 'ü' }],
  '129 characters': [{ unit: 'x'.repeat(129) }],
  '10,000 characters': [{ unit: 'x'.repeat(10_000) }],
};

it('P4: anything but the five shapes is answered SUBSCRIPTION_INVALID, with or without an ack, and nothing else happens', async () => {
  const server = await startServer(database);
  const client = await connectClient(server.url);
  await client.live();
  for (const [name, values] of Object.entries(invalid)) {
    for (const request of ['subscribe', 'unsubscribe'] as const) {
      expect(await ask(client, request, ...values), `${request} ${name}`).toEqual({
        ok: false,
        error: { code: 'SUBSCRIPTION_INVALID', message: codes.SUBSCRIPTION_INVALID.meaning },
      });
      (client.socket.emit as (event: string, ...args: unknown[]) => void)(request, ...values);
    }
  }
  expect(await ask(client, 'unsubscribe', {})).toMatchObject({
    ok: false,
    error: { code: 'SUBSCRIPTION_INVALID' },
  });
  const [socket] = await server.app.commitcast.io.fetchSockets();
  expect(new Set(socket?.rooms ?? [])).toEqual(new Set([client.socket.id, 'org:acme']));
});
