// Compiled by `npm run types`, never run: a line that compiles though it should not fails there.
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Pool, PoolClient } from 'pg';
import * as v from 'valibot';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { connect, defineEvents, type EventsOf } from '../../src/client/index.ts';
import { consume, createWorker, execute, loadState, readLog, readStream } from '../../src/index.ts';
import type { CommitcastEvent } from '../../src/index.ts';

export const events = defineEvents({
  'door.opened': z.object({ by: z.string() }),
  'route.planned': {
    version: 2,
    schema: z.object({
      stops: z.array(z.string()),
      at: z.iso.datetime().transform((text) => new Date(text)),
    }),
    upcast: { 1: ({ stop }: { stop: string }) => ({ stops: [stop], at: '2026-07-01T12:00:00Z' }) },
  },
  'door.closed': {
    version: 3,
    schema: v.object({ by: v.string(), count: v.pipe(v.string(), v.transform(Number)) }),
    upcast: { 2: (data: { by: string }) => ({ ...data, count: '1' }) },
  },
});

// Handlers get the newest, ...
expectTypeOf<EventsOf<typeof events>>().toEqualTypeOf<{
  'door.opened': { by: string };
  'route.planned': { stops: string[]; at: Date };
  'door.closed': { by: string; count: number };
}>();
connect({ token: 'a token', events })
  .subscribe({})
  .on('route.planned', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ stops: string[]; at: Date }>());

// ... and writers give the newest.
const planned = events.create({
  type: 'route.planned',
  org: 'acme',
  data: { stops: ['harbour'], at: '2026-07-01T12:00:00Z' },
});
expectTypeOf(planned.data).toEqualTypeOf<{ stops: string[]; at: string }>();
events.create({ type: 'door.closed', org: 'acme', data: { by: 'kim', count: '2' } });
// @ts-expect-error -- an old version
events.create({ type: 'route.planned', org: 'acme', data: { stop: 'harbour' } });

// @ts-expect-error -- versions without a schema
defineEvents({ 'door.opened': { version: 2, upcast: { 1: (data: object) => data } } });
// @ts-expect-error -- a version is a number
defineEvents({ 'door.opened': { version: '2', schema: z.object({}) } });
// @ts-expect-error -- a step is a function
defineEvents({ 'door.opened': { version: 2, schema: z.object({}), upcast: { 1: { by: 'kim' } } } });

declare const pool: Pool;

export async function readers(): Promise<void> {
  for await (const event of readStream(pool, { org: 'acme', stream: 's' }, { events })) {
    if (event.type === 'door.closed') expectTypeOf(event.data.count).toEqualTypeOf<number>();
    // @ts-expect-error -- told apart by `type` first
    void event.data.count;
  }
  for await (const event of readLog(pool, { events }))
    expectTypeOf(event.type).toEqualTypeOf<'door.opened' | 'route.planned' | 'door.closed'>();
  for await (const event of readLog(pool)) expectTypeOf(event).toEqualTypeOf<CommitcastEvent>();
  await loadState(pool, { org: 'acme', stream: 's' }, { initial: 0, evolve: (count) => count + 1, events });
  const decider = {
    initial: 0,
    evolve: (count: number) => count + 1,
    decide: (_command: string) => ({ type: 'door.opened', data: { by: 'kim' } }),
  };
  await execute(pool, { org: 'acme', stream: 's' }, decider, 'open', { events });
}

export async function consumers(): Promise<void> {
  await consume({ name: 'by pg', databaseUrl: '', events }, (tx, batch) => {
    expectTypeOf(tx).toEqualTypeOf<PoolClient>();
    for (const event of batch)
      if (event.type === 'route.planned') expectTypeOf(event.data.at).toEqualTypeOf<Date>();
  });
  const db = drizzle(pool);
  await consume({ name: 'by drizzle', db, events }, async (tx, [event]) => {
    await tx.transaction(() => Promise.resolve());
    expectTypeOf(event?.type).toEqualTypeOf<'door.opened' | 'route.planned' | 'door.closed' | undefined>();
  });
  const worker = createWorker({ pool });
  worker.consume({ name: 'worker', events }, (_tx, batch) => {
    expectTypeOf(batch[0]?.type).toEqualTypeOf<'door.opened' | 'route.planned' | 'door.closed' | undefined>();
  });
  worker.consume({ name: 'worker', db, events }, async (tx, batch) => {
    await tx.transaction(() => Promise.resolve(batch));
  });
  worker.consume({ name: 'untyped' }, (_tx, batch) => {
    expectTypeOf(batch).toEqualTypeOf<CommitcastEvent[]>();
  });
}
