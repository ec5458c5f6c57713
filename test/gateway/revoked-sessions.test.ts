import { expect, it } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import { append } from '../../src/log/append.ts';
import { revoke } from '../../src/log/revoke.ts';
import { slowSocket } from '../../src/testing/slow-socket.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { setClockAhead } from '../support/clock.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const types = ({ events }: TestClient) => events.map(({ type }) => type);
const laterToken = (sub: string) => signToken({ sub, iat: Math.floor(Date.now() / 1_000) });

const losses: { unit?: string; subscriptions: Subscription[]; left: Subscription[] }[] = [
  { subscriptions: [{ deep: true }], left: [] },
  { unit: 'u1', subscriptions: [{ unit: 'u1' }, { unit: 'u2' }], left: [{}, { unit: 'u2' }] },
];

it.each(losses)(
  'P4: a client that does not read, and has left its rooms, loses $unit meanwhile: it reads nothing that came after',
  async ({ unit, subscriptions, left }) => {
    const database = await createDatabase();
    const server = await startServer(database);
    const [kim, lee] = await Promise.all(
      ['kim', 'lee'].map(async (sub) =>
        connectClient(server.url, { token: await signToken({ sub }), subscriptions }),
      ),
    );
    if (!kim || !lee) throw new Error('no clients');
    await Promise.all([kim.live(), lee.live()]);
    const rooms = server.app.commitcast.io.of('/').adapter;
    const slow = slowSocket(kim.socket);
    slow.pause();
    // Far more than the kernel's buffers of both sides hold.
    const data = 'x'.repeat(40_000);
    const fill = async () => {
      await append(
        database.pool,
        Array.from({ length: 30 }, (_, n) => ({ org: 'acme', type: 'large', data, unit: `u${n % 3}` })),
      );
      const { rows } = await database.pool.query<{ last: string }>(
        'select max(position) as last from commitcast.log',
      );
      await until(() => server.app.commitcast.cursor().endsWith(`-${rows[0]?.last}`));
    };
    await until(async () => {
      await fill();
      return rooms.rooms.get('org:acme')?.has(kim.socket.id ?? '') === false;
    });
    await fill();
    await revoke(database.pool, { org: 'acme', user: 'kim', ...(unit === undefined ? {} : { unit }) });
    const { rows } = await database.pool.query<{ position: string }>(
      'select position from commitcast.revocation',
    );
    await fill();
    await append(database.pool, { org: 'acme', type: 'last', data: null });
    await until(() => types(lee).includes('last'));

    slow.resume();
    if (left.length === 0) await until(() => !kim.socket.connected);
    else await until(() => types(kim).includes('last'));
    const revokedAt = Number(rows[0]?.position);
    const lost = kim.events.filter(
      ({ position, unit: of }) => position > revokedAt && (unit === undefined || of === unit),
    );
    expect(lost).toEqual([]);
    // What it has is what came first, in order, without a hole.
    const may = ({ position, unit: of }: (typeof lee.events)[number]) =>
      (unit !== undefined && of !== unit) || position <= (kim.positions.at(-1) ?? 0);
    const had = (kim.events.findLast(({ unit: of }) => of === unit) ?? kim.events.at(-1))?.position ?? 0;
    const whole = lee.events.filter((event) => may(event) && (event.unit !== unit || event.position <= had));
    expect(kim.positions).toEqual(whole.map(({ position }) => position));
    expect(kim.lives.at(-1)?.subscriptions ?? []).toEqual(left.length === 0 ? [{}, ...subscriptions] : left);
    expect(kim.closes).toMatchObject(left.length === 0 ? [{ code: 'ORG_FORBIDDEN' }] : []);
  },
);

it('P4: ephemeral messages reach a session no more for what it has lost', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const { socketService } = server.app;
  const [kim, lee] = await Promise.all(
    ['kim', 'lee'].map(async (sub) =>
      connectClient(server.url, { token: await signToken({ sub }), subscriptions: [{ unit: 'u1' }] }),
    ),
  );
  if (!kim || !lee) throw new Error('no clients');
  await Promise.all([kim.live(), lee.live()]);
  const heard: Record<'kim' | 'lee', unknown[]> = { kim: [], lee: [] };
  (kim.socket.io.engine as unknown as { on(name: string, listener: (data: unknown) => void): void }).on(
    'data',
    (data) => String(data).includes('"note"') && heard.kim.push(data),
  );
  lee.socket.onAny((name, data) => name === 'note' && heard.lee.push(data));
  const emit = () => {
    socketService.emitToOrg('acme', 'note', 'to the org');
    socketService.emitToUnit('acme', 'u1', 'note', 'to the unit');
  };
  emit();
  await until(() => heard.kim.length === 2);
  await revoke(database.pool, { org: 'acme', user: 'kim', unit: 'u1' });
  await append(database.pool, { org: 'acme', type: 'one', data: null });
  await until(() => types(kim).includes('one'));
  emit();
  await until(() => heard.kim.length === 3);
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await append(database.pool, { org: 'acme', type: 'two', data: null });
  await until(() => types(lee).includes('two'));
  emit();
  await until(() => heard.lee.length === 6 && !kim.socket.connected);
  expect(heard.kim.filter((data) => String(data).includes('the unit'))).toHaveLength(1);
  expect(heard.kim).toHaveLength(3);
});

it('P4: users who are named alike, and the same user in another org, lose nothing', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const users = [
    'kim',
    'kim ',
    ' kim',
    'kim kim',
    'KIM',
    'kim:unit:u1',
    `k"i'm`,
    'kim%',
    'acme kim',
    'kïm',
    '*',
  ];
  const connect = async (sub: string, org_id: string) => {
    const client = await connectClient(server.url, {
      token: await signToken({ sub, org_id }),
      subscriptions: [{ deep: true }],
    });
    await client.live();
    return { sub, org_id, client };
  };
  const all = await Promise.all(
    ['acme', 'acme.kim', 'rival'].flatMap((org) => users.map((user) => connect(user, org))),
  );
  for (const [round, user] of users.entries()) {
    await revoke(database.pool, { org: 'acme', user });
    await append(
      database.pool,
      ['acme', 'acme.kim', 'rival'].map((org) => ({ org, type: `round ${round}`, data: null })),
    );
    const gone = (one: (typeof all)[number]) => one.org_id === 'acme' && users.indexOf(one.sub) <= round;
    await until(() => all.every((one) => types(one.client).includes(`round ${round}`) || gone(one)));
    for (const one of all)
      expect(types(one.client).includes(`round ${round}`), `${one.sub} in ${one.org_id}`).toBe(!gone(one));
  }
  // Nor when they come back.
  const back = all.filter(({ org_id }) => org_id !== 'acme').map(({ sub, org_id }) => connect(sub, org_id));
  await Promise.all(back);
  expect(all.flatMap(({ client }) => client.closes).map(({ code }) => code)).toEqual(
    users.map(() => 'ORG_FORBIDDEN'),
  );
});

it('P4: revocations hold after a restart, and after a new epoch; a younger token is taken everywhere', async () => {
  const database = await createDatabase();
  const old = { kim: await signToken({ sub: 'kim' }), lee: await signToken({ sub: 'lee' }) };
  const first = await startServer(database);
  await revoke(database.pool, { org: 'acme', user: 'kim' });
  await revoke(database.pool, { org: 'acme', user: 'lee', unit: 'u1' });
  const expectHeld = async (url: string) => {
    const kim = await connectClient(url, { token: old.kim });
    await until(() => kim.refusals.length + kim.closes.length > 0);
    expect([...kim.refusals.map(({ data }) => data?.code), ...kim.closes.map(({ code }) => code)]).toEqual([
      'ORG_FORBIDDEN',
    ]);
    kim.socket.disconnect();
    const lee = await connectClient(url, { token: old.lee, subscriptions: [{ unit: 'u1' }] });
    // By the handshake, or a moment after it where the revocation was on its way.
    await lee.live();
    await until(async () => {
      const answer: { ok: boolean } = await lee.socket.emitWithAck('subscribe', { unit: 'u1' });
      return !answer.ok;
    });
    setClockAhead(60);
    const young = await connectClient(url, {
      token: await laterToken('kim'),
      subscriptions: [{ deep: true }],
    });
    await young.live();
    await append(database.pool, { org: 'acme', type: 'held', data: null });
    await until(() => types(young).includes('held'));
    young.socket.disconnect();
    setClockAhead(0);
    lee.socket.disconnect();
  };
  await expectHeld(first.url);
  const { rows } = await database.pool.query<{ epoch: string }>(
    'select commitcast.open_epoch(true) as epoch',
  );
  await until(() => first.app.commitcast.cursor().startsWith(rows[0]?.epoch ?? '?'));
  await expectHeld(first.url);
  await first.close();
  const second = await startServer(database);
  await expectHeld(second.url);
});
