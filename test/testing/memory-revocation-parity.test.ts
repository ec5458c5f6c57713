import { expect, it } from 'vitest';
import type { CommitcastEvent, NewEvent } from '../../src/core/event.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { append } from '../../src/log/append.ts';
import { revoke, type Revocation } from '../../src/log/revoke.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { positionOf } from '../../src/testing/history.ts';
import { memoryCommitcast } from '../../src/testing/memory-commitcast.ts';
import type { MemoryMessages } from '../../src/testing/memory-subscriber.ts';
import { setClockAhead } from '../support/clock.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

interface Session {
  org?: string;
  user: string;
  subscriptions: readonly Subscription[];
  cursor?: string;
}

/** What a subscriber was told, in order, in words that are the same in every epoch. */
type Told = string[];

interface World {
  commit(work: (tx: Transaction) => Promise<unknown>): Promise<unknown>;
  /** Resolves when it is live. */
  connect(session: Session): Promise<Told>;
  cursor(): string;
  /** From here on tokens are younger than the revocations, by more than the tolerance of clocks. */
  passMinute(): void;
  revocations(): Promise<readonly (Revocation & { position: number })[]>;
}

type Listen = <Name extends keyof MemoryMessages>(name: Name, listener: MemoryMessages[Name]) => unknown;

function writeDown(on: Listen): Told {
  const told: Told = [];
  const noteEvent = ({ position, type }: CommitcastEvent) => told.push(`${position} ${type}`);
  on('events', (events) => events.forEach(noteEvent));
  on('reset', ({ reason }) => told.push(`reset ${reason}`));
  on('live', ({ cursor, subscriptions, denied }) =>
    told.push(`live at ${positionOf(cursor)} ${JSON.stringify([subscriptions, denied])}`),
  );
  on('revoked', (message) => told.push(`revoked ${JSON.stringify(message)}`));
  on('close', (message) => told.push(`close ${JSON.stringify(message)}`));
  return told;
}

const isLive = (told: Told) => told.some((line) => line.startsWith('live'));

async function realWorld(): Promise<World> {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = await database.connect();
  return {
    async commit(work) {
      await client.query('begin');
      await work(client);
      await client.query('commit');
      const { rows } = await client.query<{ head: number }>(
        'select max(position)::int as head from commitcast.log',
      );
      await until(() => server.app.commitcast.cursor().endsWith(`-${rows[0]?.head}`));
    },
    async connect({ org = 'acme', user, ...handshake }) {
      const token = await signToken({ sub: user, org_id: org });
      const { socket } = await connectClient(server.url, {
        token,
        ...handshake,
        subscriptions: [...handshake.subscriptions],
      });
      const told = writeDown((name, listener) => socket.on(name, listener as never));
      await until(() => isLive(told));
      return told;
    },
    cursor: () => server.app.commitcast.cursor(),
    passMinute() {
      setClockAhead(60);
    },
    async revocations() {
      const { rows } = await database.pool.query<{ revocations: never[] }>(
        `select json_agg(json_strip_nulls(json_build_object('org', org_id, 'user', user_id, 'site', site_id,
           'unit', unit_id, 'position', position)) order by position) as revocations
         from commitcast.revocation`,
      );
      return rows[0]?.revocations ?? [];
    },
  };
}

function doubledWorld(): Promise<World> {
  const memory = memoryCommitcast();
  const present = memory.connect({ org: 'none' });
  return Promise.resolve({
    commit: (work) => memory.transaction(work),
    async connect({ org = 'acme', ...session }) {
      const subscriber = memory.connect({ org, ...session });
      const told = writeDown((name, listener) => subscriber.on(name, listener));
      await until(() => isLive(told));
      return told;
    },
    cursor: () => present.cursor,
    passMinute: () => undefined,
    revocations: () => Promise.resolve(memory.revocations),
  });
}

const losses: Omit<Revocation, 'org' | 'user'>[] = [
  {},
  { site: 's1' },
  { unit: 'u1' },
  { site: 's1', unit: 'u1' },
  { site: 's9' },
];
const shapes: Subscription[][] = [
  [],
  [{ deep: true }],
  [{ site: 's1' }, { site: 's1', deep: true }, { site: 's2', deep: true }, { unit: 'u1' }, { unit: 'u2' }],
];
const scopes = [{}, { site: 's1' }, { site: 's1', unit: 'u1' }, { unit: 'u2' }, { site: 's2', unit: 'u1' }];
const eventsOf = (type: string, org = 'acme'): NewEvent[] =>
  scopes.map((scope) => ({ ...scope, org, type, data: null }));

/** Each user has a session of every shape, loses one thing, and comes back with a new token. */
async function play(world: World) {
  const sessions = losses.flatMap((_, n) =>
    shapes.map((subscriptions) => ({ user: `user-${n}`, subscriptions })),
  );
  await world.commit((tx) => append(tx, eventsOf('first')));
  const stay = await Promise.all(sessions.map((session) => world.connect(session)));
  const elsewhere = await world.connect({ org: 'rival', user: 'user-0', subscriptions: [{ deep: true }] });
  const cursor = world.cursor();
  for (const [n, loss] of losses.entries())
    await world.commit(async (tx) => {
      await append(tx, eventsOf(`before ${n}`));
      await revoke(tx, { org: 'acme', user: `user-${n}`, ...loss });
      await append(tx, [...eventsOf(`after ${n}`), ...eventsOf('of others', 'rival')]);
    });
  world.passMinute();
  const back = await Promise.all(sessions.map((session) => world.connect({ ...session, cursor })));
  await world.commit((tx) =>
    append(tx, [
      ...eventsOf('later'),
      ...['acme', 'rival'].map((org) => ({ org, type: 'last', data: null })),
    ]),
  );
  const told = [...stay, elsewhere, ...back];
  await until(() => told.every((lines) => lines.some((line) => / last$|^close/.test(line))));
  return { told, revocations: await world.revocations() };
}

it('the double takes rights away as a server does: at the same place, of the same sessions, in the same words', async () => {
  const real = await play(await realWorld());
  expect(real.told.flat().filter((line) => line.startsWith('close'))).toHaveLength(shapes.length);
  expect(real.told.flat().filter((line) => line.startsWith('revoked')).length).toBeGreaterThan(10);
  expect(real.revocations).toHaveLength(losses.length);
  expect(await play(await doubledWorld())).toEqual(real);
});
