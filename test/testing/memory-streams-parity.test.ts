import { EventEmitter, once as emitted } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import type { NewEvent } from '../../src/core/event.ts';
import { append } from '../../src/log/append.ts';
import { once } from '../../src/log/once.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { memoryCommitcast } from '../../src/testing/memory-commitcast.ts';
import type { MemoryTransaction } from '../../src/testing/memory-transaction.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createRandom, type Random } from '../support/random.ts';
import { pidOf } from '../support/transactions.ts';
import { until } from '../support/until.ts';

/** One of the two transactions that are open at a time. */
interface Session {
  readonly tx: Transaction;
  end(how: 'commit' | 'rollback'): Promise<unknown>;
  isBlocked(): Promise<boolean>;
}

interface World {
  begin(which: number): Promise<Session>;
  /** Returns when all that can go on has; says of which operations nothing is known yet. */
  settle(running: readonly Running[], expected: string | undefined): Promise<string>;
  log(): Promise<unknown[]>;
}

interface Running {
  readonly session: Session;
  outcome?: unknown;
}

const waitingOf = (running: readonly Running[]) => running.map(({ outcome }) => outcome === undefined).join();

async function realWorld(database: TestDatabase): Promise<World> {
  const clients = [await database.connect(), await database.connect()];
  return {
    async begin(which) {
      const client = clients[which] ?? expect.fail();
      await client.query('begin');
      return {
        tx: client,
        end: (how) => client.query(how),
        async isBlocked() {
          const { rows } = await database.pool.query<{ blocked: boolean }>(
            `select wait_event_type = 'Lock' as blocked from pg_stat_activity where pid = $1`,
            [pidOf(client)],
          );
          return rows[0]?.blocked === true;
        },
      };
    },
    // Nobody can see that a query will not wait any more; so it is told what is to come.
    async settle(running, expected) {
      await until(
        async () => {
          for (const { outcome, session } of running)
            if (outcome === undefined && !(await session.isBlocked())) return false;
          return waitingOf(running) === expected;
        },
        { timeoutMs: 5_000, message: `the operations to wait as in the double: ${expected}` },
      );
      return waitingOf(running);
    },
    async log() {
      const { rows } = await database.pool.query(
        `select id, org_id as org, type, stream, version::int as version, data from commitcast.log order by position`,
      );
      return rows as unknown[];
    },
  };
}

function doubledWorld(): World {
  const memory = memoryCommitcast();
  return {
    async begin() {
      const ending = new EventEmitter();
      let over: Promise<unknown> = Promise.resolve();
      const tx = await new Promise<MemoryTransaction>((resolve) => {
        const work = memory.transaction(async (begun) => {
          const ended = emitted(ending, 'end');
          resolve(begun);
          const [how] = (await ended) as ['commit' | 'rollback'];
          if (how === 'rollback') throw new Error('rolled back');
        });
        over = work.catch((error: unknown) => {
          if (!(error instanceof Error && error.message === 'rolled back')) throw error;
        });
      });
      return {
        tx,
        end(how) {
          ending.emit('end', how);
          return over;
        },
        isBlocked: () => Promise.resolve(false),
      };
    },
    async settle(running) {
      await setImmediate();
      return waitingOf(running);
    },
    log: () =>
      Promise.resolve(
        memory.events.map(({ id, org, type, stream = null, version = null, data }) => ({
          id,
          org,
          type,
          stream,
          version,
          data,
        })),
      ),
  };
}

/** Operations of one transaction. Locks are taken in one order, for the victim of a deadlock is a matter of chance. */
function operationsOf(random: Random, believed: ReadonlyMap<string, number>) {
  const eventsIn = (streams: readonly string[], org: string): NewEvent[] =>
    Array.from({ length: 1 + random.below(4) }, () => {
      const stream = random.chance(0.85) ? random.pick(streams) : undefined;
      const guess = () =>
        Math.max(0, (believed.get(`${org} ${stream}`) ?? 0) + (random.chance(0.2) ? -1 : 0));
      const expectedVersion =
        stream === undefined || random.chance(0.5)
          ? undefined
          : random.pick(['any', 'none', guess(), guess()]);
      return { org, stream, expectedVersion, type: 'note', data: random.below(3) } as NewEvent;
    });
  const org = random.chance(0.8) ? 'acme' : 'rival';
  const keyed = random.chance(0.4);
  // With a key few are possible, so that some callers come again with the same.
  const first: NewEvent[] = keyed
    ? [{ org, stream: 'a', type: 'paid', data: random.below(2) }]
    : eventsIn(['a', 'b'], org);
  return [
    ...(random.chance(0.4) ? [{ mark: `m${random.below(30)}` }] : []),
    { events: first, ...(keyed ? { key: `k${random.below(15)}` } : {}) },
    ...(random.chance(0.5) ? [{ events: eventsIn(['c', "o'd"], org) }] : []),
  ];
}
type Operation = ReturnType<typeof operationsOf>[number];

/** The same play on either stage; the script says who waited when it was played before. */
async function play(world: World, seed: number, script?: readonly string[]) {
  const random = createRandom(seed);
  const believed = new Map<string, number>();
  const ids = new Map<string, number>();
  const nameOf = (id: string) => ids.get(id) ?? (ids.set(id, ids.size), ids.size - 1);
  const waits: string[] = [];
  const outcomes: unknown[] = [];

  const perform = async ({ tx }: Session, operation: Operation): Promise<unknown> => {
    try {
      if ('mark' in operation) return await once(tx, operation.mark);
      const { events, key } = operation as { events: NewEvent[]; key?: string };
      const appended = await append(tx, events, { key });
      for (const { org, stream } of events)
        if (stream) believed.set(`${org} ${stream}`, (believed.get(`${org} ${stream}`) ?? 0) + 1);
      return appended.map(nameOf);
    } catch (error) {
      const { code, message, org, stream, expected, actual } = error as Record<string, unknown>;
      if (typeof actual === 'number') believed.set(`${String(org)} ${String(stream)}`, actual);
      return { code, message, org, stream, expected, actual };
    }
  };

  for (let round = 0; round < 120; round += 1) {
    const open = [];
    for (const which of [0, 1]) {
      const left = operationsOf(random, believed);
      open.push({
        which,
        left,
        session: await world.begin(which),
        running: undefined as Running | undefined,
      });
    }
    while (open.length > 0) {
      const free = open.filter(({ running }) => !running || running.outcome !== undefined);
      const one = random.pick(free);
      const failed = typeof (one.running?.outcome as { code?: unknown } | undefined)?.code === 'string';
      const next = failed ? undefined : one.left.shift();
      if (next) {
        const running: Running = { session: one.session };
        one.running = running;
        void perform(one.session, next).then((outcome) => {
          running.outcome = outcome;
          outcomes.push([round, one.which, outcome]);
        });
      } else {
        await one.session.end(failed || random.chance(0.25) ? 'rollback' : 'commit');
        open.splice(open.indexOf(one), 1);
      }
      const running = open.flatMap(({ running }) => running ?? []);
      waits.push(await world.settle(running, script?.[waits.length]));
    }
  }
  const log = await world.log();
  return {
    waits,
    outcomes,
    log: (log as { id: string }[]).map(({ id, ...rest }) => ({ ...rest, id: nameOf(id) })),
  };
}

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

it('versions, conflicts, keys, marks and waiting are those of the database, in a random play of two transactions', async () => {
  const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1e9);
  const doubled = await play(doubledWorld(), seed);
  const text = JSON.stringify(doubled.outcomes);
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  // Else it has shown little.
  expect(count(/VERSION_CONFLICT/g), 'conflicts').toBeGreaterThan(5);
  expect(count(/KEY_REUSED/g), 'reused keys').toBeGreaterThan(1);
  expect(count(/,false\]/g), 'second marks').toBeGreaterThan(5);
  expect(doubled.waits.filter((wait) => wait.includes('true')).length, 'waits').toBeGreaterThan(1);

  const real = await play(await realWorld(database), seed, doubled.waits);
  expect(real, `TEST_SEED=${seed}`).toEqual(doubled);
});
