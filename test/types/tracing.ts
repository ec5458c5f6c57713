// Compiled by `npm run types`, never run: a line that compiles though it should not fails there.
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Pool, PoolClient } from 'pg';
import { expectTypeOf } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { consume, type CommitcastEvent } from '../../src/index.ts';
import { traced, tracedBatch } from '../../src/tracing/index.ts';
import { events } from './versions.ts';

// A handler is typed as it is without.
const truck = connect({ token: 'a token', events }).subscribe({});
truck.on(
  'route.planned',
  traced(({ data }) => expectTypeOf(data).toEqualTypeOf<{ stops: string[]; at: Date }>()),
);
truck.on(
  '*',
  traced((event) => {
    if (event.type === 'door.closed') expectTypeOf(event.data.count).toEqualTypeOf<number>();
  }),
);
truck.on(
  'route.planned',
  // @ts-expect-error -- other data
  traced(({ data }: CommitcastEvent<{ by: string }>) => data.by),
);
expectTypeOf(traced((_event: CommitcastEvent) => 7)).toEqualTypeOf<(event: CommitcastEvent) => number>();

declare const pool: Pool;

export async function consumers(): Promise<void> {
  await consume(
    { name: 'by pg', databaseUrl: '' },
    tracedBatch((tx, batch, { signal }) => {
      expectTypeOf(tx).toEqualTypeOf<PoolClient>();
      expectTypeOf(batch).toEqualTypeOf<CommitcastEvent[]>();
      signal.throwIfAborted();
    }),
  );
  await consume(
    { name: 'by drizzle', db: drizzle(pool), events },
    tracedBatch(
      async (tx, [event]) => {
        await tx.transaction(() => Promise.resolve());
        expectTypeOf(event?.type).toEqualTypeOf<
          'door.opened' | 'route.planned' | 'door.closed' | undefined
        >();
      },
      { consumer: 'by drizzle' },
    ),
  );
  // @ts-expect-error -- an option that there is not
  tracedBatch(() => undefined, { name: 'by drizzle' });
}
