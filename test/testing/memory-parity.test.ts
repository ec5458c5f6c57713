import { expect, it } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { append } from '../../src/log/append.ts';
import { positionOf } from '../../src/testing/history.ts';
import { memoryCommitcast } from '../../src/testing/memory-commitcast.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

interface Told {
  types: string[];
  resets: string[];
  subscriptions: readonly Subscription[] | undefined;
  denied: unknown;
  liveAt: number;
}

interface World {
  commit(events: NewEvent[]): Promise<unknown>;
  /** A subscriber; returns what it has been told when the last event of its org has come. */
  connect(subscriptions: Subscription[], cursor?: string): Promise<() => Promise<Told & { cursor: string }>>;
}

async function realWorld(): Promise<World> {
  const database = await createDatabase();
  const server = await startServer(database);
  return {
    // Until it was delivered: who comes without a cursor begins with what comes after it, as with the double.
    async commit(events) {
      await append(database.pool, events);
      const { rows } = await database.pool.query<{ head: number }>(
        'select max(position)::int as head from commitcast.log',
      );
      await until(() => server.app.commitcast.cursor().endsWith(`-${rows[0]?.head}`));
    },
    async connect(subscriptions, cursor) {
      const client = await connectClient(server.url, {
        subscriptions,
        ...(cursor === undefined ? {} : { cursor }),
      });
      await client.live();
      return async () => {
        await until(() => client.events.at(-1)?.type === 'last');
        return {
          types: client.events.map(({ type }) => type),
          resets: client.resets.map(({ reason }) => reason),
          subscriptions: client.lives[0]?.subscriptions,
          denied: client.lives[0]?.denied,
          liveAt: positionOf(client.lives[0]?.cursor ?? ''),
          cursor: client.cursor ?? '',
        };
      };
    },
  };
}

function doubledWorld(): Promise<World> {
  const memory = memoryCommitcast();
  return Promise.resolve({
    commit: (events) => memory.transaction((tx) => append(tx, events)),
    async connect(subscriptions, cursor) {
      const told: Told = { types: [], resets: [], subscriptions: undefined, denied: undefined, liveAt: -1 };
      const subscriber = memory
        .connect({ org: 'acme', subscriptions, ...(cursor === undefined ? {} : { cursor }) })
        .on('events', (events) => told.types.push(...events.map(({ type }) => type)))
        .on('reset', ({ reason }) => told.resets.push(reason));
      await new Promise<void>((resolve) => {
        subscriber.on('live', ({ subscriptions, denied, cursor }) => {
          Object.assign(told, { subscriptions, denied, liveAt: positionOf(cursor) });
          resolve();
        });
      });
      return () => Promise.resolve({ ...told, cursor: subscriber.cursor });
    },
  });
}

const shapes: Subscription[][] = [
  [],
  [{ deep: true }],
  [{ site: 's1' }],
  [{ site: 's1', deep: true }],
  [{ unit: 'u1' }, { unit: 'u2' }, { unit: 'u1' }],
  [{ site: 's1', unit: 'u1' } as unknown as Subscription, { site: 's2' }],
];

const scopes = [{}, { site: 's1' }, { site: 's1', unit: 'u1' }, { unit: 'u2' }, { site: 's2' }];
const eventsOf = (turn: string): NewEvent[] => [
  ...scopes.map((scope) => ({ ...scope, org: 'acme', type: `${turn} ${JSON.stringify(scope)}`, data: null })),
  { org: 'rival', type: 'foreign', data: null },
];
const last: NewEvent = { org: 'acme', type: 'last', data: null };

/** The same play on either stage: who is there, who comes later, who comes back, with which cursor. */
async function play(world: World) {
  await world.commit(eventsOf('before'));
  const stay = await Promise.all(shapes.map((shape) => world.connect(shape)));
  const probe = await world.connect([]);
  await world.commit([...eventsOf('first'), last]);
  const { cursor } = await probe();
  await Promise.all(stay.map((told) => told()));
  await world.commit(eventsOf('second'));
  const [epoch] = cursor.split('-');
  const back = await Promise.all([
    ...shapes.map((shape) => world.connect(shape, cursor)),
    world.connect([{ deep: true }], `${epoch}-0`),
    world.connect([], `${epoch}-999999`),
    world.connect([], 'zzzzzzzz-3'),
  ]);
  await world.commit([last]);
  const told = await Promise.all([...stay, ...back].map((tell) => tell()));
  return told.map(({ cursor: now, ...rest }) => ({ ...rest, position: positionOf(now) }));
}

it('the double tells its subscribers what a server tells its clients', async () => {
  const real = await play(await realWorld());
  expect(real.flatMap(({ types }) => types).length).toBeGreaterThan(60);
  expect(await play(await doubledWorld())).toEqual(real);
});
