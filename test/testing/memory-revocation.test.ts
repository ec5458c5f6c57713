import { expect, it } from 'vitest';
import { append } from '../../src/log/append.ts';
import { revoke, type Revocation } from '../../src/log/revoke.ts';
import { memoryCommitcast } from '../../src/testing/memory-commitcast.ts';

const note = (data: unknown, unit = 'u1') => ({ org: 'acme', type: 'note', unit, data });
const kim = { org: 'acme', user: 'kim' };

it('a revocation is known when its transaction has committed, with its position; never when it has failed', async () => {
  const memory = memoryCommitcast();
  const id = await memory.transaction(async (tx) => {
    await append(tx, note(1));
    const given = await revoke(tx, { ...kim, site: 's1' });
    await append(tx, note(2));
    expect(memory.revocations).toEqual([]);
    return given;
  });
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  const failed = memory.transaction(async (tx) => {
    await revoke(tx, kim);
    throw new Error('after all not');
  });
  await expect(failed).rejects.toThrow('after all not');
  await memory.transaction((tx) => revoke({ execute: (query) => tx.execute(query) }, { ...kim, unit: 'u1' }));
  expect(memory.revocations).toEqual([
    { ...kim, site: 's1', position: 2 },
    { ...kim, unit: 'u1', position: 4 },
  ]);
  expect(memory.events.map(({ position, data }) => [position, data])).toEqual([
    [1, 1],
    [3, 2],
  ]);
});

it('who loses the org gets what came before, is told, and hears nothing more; others go on', async () => {
  const memory = memoryCommitcast();
  const heard: Record<string, unknown[]> = {};
  for (const user of ['kim', 'lee', undefined]) {
    const own: unknown[] = (heard[String(user)] = []);
    memory
      .connect({ org: 'acme', ...(user === undefined ? {} : { user }), subscriptions: [{ unit: 'u1' }] })
      .on('events', (events) => own.push(...events.map(({ data }) => data)))
      .on('revoked', (message) => own.push(message))
      .on('close', ({ code, retry }) => own.push({ code, retry }));
  }
  await memory.transaction(async (tx) => {
    await append(tx, note(1));
    await revoke(tx, kim);
    await append(tx, note(2));
  });
  expect(heard).toEqual({
    kim: [1, {}, { code: 'ORG_FORBIDDEN', retry: false }],
    lee: [1, 2],
    undefined: [1, 2],
  });
});

it('who loses the org before it is live, never is; who comes later has a new token', async () => {
  const memory = memoryCommitcast();
  const heard: unknown[] = [];
  const connect = (name: string, cursor?: string) =>
    memory
      .connect({ ...kim, subscriptions: [{ unit: 'u1' }], ...(cursor === undefined ? {} : { cursor }) })
      .on('live', () => heard.push(`${name} live`))
      .on('events', (events) => heard.push(...events.map(({ data }) => `${name} ${String(data)}`)))
      .on('revoked', () => heard.push(`${name} revoked`));
  const { cursor } = memory.connect(kim);
  // It comes between the end of the work and the commit, in one tick.
  await memory.transaction(
    (tx) =>
      new Promise<void>((resolve, reject) => {
        revoke(tx, kim).then(() => {
          resolve();
          connect('early');
        }, reject);
      }),
  );
  await memory.transaction((tx) => append(tx, note(1)));
  expect(heard).toEqual(['early revoked']);
  connect('late', cursor);
  await memory.transaction((tx) => append(tx, note(2)));
  expect(heard).toEqual(['early revoked', 'late 1', 'late live', 'late 2']);
});

it('a subscriber that closes itself in mid-delivery has the cursor of what it has got', async () => {
  const memory = memoryCommitcast();
  const counts: number[] = [];
  const subscriber = memory.connect({ org: 'acme', subscriptions: [{ unit: 'u1' }] });
  subscriber.on('events', ({ length }) => {
    counts.push(length);
    subscriber.close();
  });
  await memory.transaction(async (tx) => {
    await append(
      tx,
      Array.from({ length: 500 }, (_, n) => note(n)),
    );
    await append(tx, note('next'));
  });
  memory
    .connect({ org: 'acme', subscriptions: [{ unit: 'u1' }], cursor: subscriber.cursor })
    .on('events', ({ length }) => counts.push(length));
  await memory.transaction((tx) => append(tx, note('last')));
  expect(counts).toEqual([500, 1, 1]);
});

it('refuses what is no revocation, counts it as an event of its transaction, and forgets it with reset', async () => {
  const memory = memoryCommitcast();
  for (const wrong of [{}, { ...kim, user: '' }, { ...kim, sites: 's1' }, { ...kim, unit: 'a:b' }])
    await expect(memory.transaction((tx) => revoke(tx, wrong as Revocation))).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
  const tooMany = memory.transaction(async (tx) => {
    for (let n = 0; n <= 10_000; n++) await revoke(tx, kim);
  });
  await expect(tooMany).rejects.toMatchObject({ code: 'TOO_MANY_EVENTS' });
  // A call by hand is a statement of the business.
  const byHand = memory.transaction((tx) => tx.query(`select commitcast.revoke('acme', 'kim')`));
  await expect(byHand).rejects.toMatchObject({ code: 'UNEXPECTED_QUERY' });
  expect(memory.revocations).toEqual([]);
  await memory.transaction((tx) => revoke(tx, kim));
  memory.reset();
  expect(memory.revocations).toEqual([]);
});
