import { context, trace } from '@opentelemetry/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import type { NewEvent } from '../../src/core/event.ts';
import { append, type AppendOptions } from '../../src/log/append.ts';
import type { Transaction } from '../../src/log/transaction.ts';
import { memoryCommitcast } from '../../src/testing/memory-commitcast.ts';
import { connect, migratedUpTo } from '../log/lean-passes-before.ts';
import { createDatabase } from '../support/database.ts';
import { registerSdk } from './register-sdk.ts';

/** The last schema whose keys are of all that `meta` has. */
const before = 12;
const event: NewEvent = { org: 'acme', type: 'note', data: null };
const traceparent = (n: number) => `00-${String(n).repeat(32)}-${'2'.repeat(16)}-01`;

/** Does the work within a span of somebody else. */
function within<Result>(n: number, work: () => Result): Result {
  const span = { traceId: String(n).repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
  return context.with(trace.setSpanContext(context.active(), span), work);
}

interface World {
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  metas(org: string): Promise<unknown[]>;
}

const database = await createDatabase();
const real: World = {
  transaction: (work) => work(database.pool),
  async metas(org) {
    const { rows } = await database.pool.query<{ meta: unknown }>(
      'select meta from commitcast.log where org_id = $1 order by position',
      [org],
    );
    return rows.map(({ meta }) => meta);
  },
};
function doubled(): World {
  const memory = memoryCommitcast();
  return {
    transaction: (work) => memory.transaction(work),
    metas: (org) =>
      Promise.resolve(memory.events.filter((one) => one.org === org).map(({ meta = null }) => meta)),
  };
}

const attempts =
  (world: World) =>
  (events: NewEvent[], options: AppendOptions = {}) =>
    world.transaction((tx) => append(tx, events, { key: 'k', ...options }));

let orgs = 0;
let org: string;
beforeEach(() => {
  org = `org-${orgs++}`;
});

describe.each<[string, () => World]>([
  ['the database', () => real],
  ['the double', doubled],
])('a traced append with a key, in %s', (_, open) => {
  it('carries the context of the first time, and is the same append from another span, or from none', async () => {
    registerSdk();
    const world = open();
    const attempt = attempts(world);
    const metas = [undefined, {}, { by: 'kim' }, { traceparent: traceparent(9), tracestate: 'a=1' }];
    const events = metas.map((meta): NewEvent => ({ ...event, org, ...(meta ? { meta } : {}) }));
    const ids = await within(1, () => attempt(events));
    expect(await within(3, () => attempt(events))).toEqual(ids);
    expect(await within(3, () => attempt(events, { trace: false }))).toEqual(ids);
    expect(await attempt(events)).toEqual(ids);
    expect(await world.metas(org)).toEqual([
      { traceparent: traceparent(1) },
      { traceparent: traceparent(1) },
      { by: 'kim', traceparent: traceparent(1) },
      metas[3],
    ]);
  });

  it('that came from no span first is the same append from one', async () => {
    registerSdk();
    const attempt = attempts(open());
    const events = [{}, { meta: {} }, { meta: { by: 'kim' } }].map((more) => ({ ...event, org, ...more }));
    const ids = await attempt(events);
    expect(await within(1, () => attempt(events))).toEqual(ids);
  });

  it('of several statements is cut the same, however long its context is to say', async () => {
    registerSdk();
    const attempt = attempts(open());
    // Ten fill a statement, but for a few bytes.
    const size = 104_857 - JSON.stringify({ ...event, org, data: '' }).length;
    const events = Array.from({ length: 28 }, () => ({ ...event, org, data: 'x'.repeat(size) }));
    const ids = await within(1, () => attempt(events));
    expect(await attempt(events)).toEqual(ids);
  });

  it.each<[string, Partial<NewEvent>]>([
    ['data', { data: 1 }],
    ['meta', { meta: { by: 'lee' } }],
    ['no meta', { meta: undefined }],
  ])('is refused for other events: %s', async (_name, more) => {
    registerSdk();
    const attempt = attempts(open());
    await within(1, () => attempt([{ ...event, org, meta: { by: 'kim' } }]));
    const other = within(1, () => attempt([{ ...event, org, meta: { by: 'kim' }, ...more }]));
    await expect(other).rejects.toMatchObject({ code: 'KEY_REUSED' });
  });
});

it('keys that were stored before contexts were left out are known: no retry appends again or is refused', async () => {
  registerSdk();
  const url = await migratedUpTo(before);
  const client = await connect(url);
  const all: Record<string, NewEvent['meta']> = {
    none: undefined,
    empty: {},
    some: { by: 'kim' },
    own: { traceparent: traceparent(9), by: 'kim' },
  };
  const attempt = async () => {
    const ids: Record<string, string[]> = {};
    for (const [key, meta] of Object.entries(all))
      ids[key] = await append(client, [{ ...event, ...(meta ? { meta } : {}) }, event], { key });
    return ids;
  };
  const ids = await attempt();
  await migrate({ connectionString: url });
  expect(await attempt()).toEqual(ids);
  // From a span there is none that says `traceparent` itself, or has an empty `meta`: these were taken as they were.
  for (const key of ['none', 'some'])
    expect(
      await within(1, () =>
        append(client, [{ ...event, ...(all[key] ? { meta: all[key] } : {}) }, event], { key }),
      ),
    ).toEqual(ids[key]);
  await expect(
    append(client, [{ ...event, meta: { by: 'lee' } }, event], { key: 'some' }),
  ).rejects.toMatchObject({ code: 'KEY_REUSED' });
});
