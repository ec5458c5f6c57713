// Compiled by `npm run types`, never run: a line that compiles though it should not fails there.
import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { defineEvents, type EventOf, type EventsOf } from '../../src/client/index.ts';
import type { CommitcastEvent, NewEvent } from '../../src/core/event.ts';
import { append } from '../../src/log/append.ts';
import type { Transaction } from '../../src/log/transaction.ts';

/** A schema of no library: the text of a number, read as a number. */
export const numeric = {
  '~standard': {
    version: 1 as const,
    vendor: 'this file',
    validate: (value: unknown) =>
      typeof value === 'string' && value.trim() !== ''
        ? { value: Number(value) }
        : { issues: [{ message: 'not the text of a number' }] },
    types: undefined as { readonly input: string; readonly output: number } | undefined,
  },
};

export const events = defineEvents({
  'door.opened': z.object({ by: z.string(), forced: z.boolean().default(false) }),
  'route.planned': z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }),
  'reading.recorded': numeric,
});

type Events = EventsOf<typeof events>;

// Readers get what the schemas make.
expectTypeOf<keyof Events>().toEqualTypeOf<'door.opened' | 'route.planned' | 'reading.recorded'>();
expectTypeOf<Events['door.opened']>().toEqualTypeOf<{ by: string; forced: boolean }>();
expectTypeOf<Events['route.planned']>().toEqualTypeOf<{ at: Date }>();
expectTypeOf<Events['reading.recorded']>().toEqualTypeOf<number>();

// Writers give what the schemas take, and that is what is appended.
const opened = events.create({ type: 'door.opened', org: 'acme', unit: 'truck-7', data: { by: 'kim' } });
expectTypeOf(opened.data).toEqualTypeOf<{ by: string; forced?: boolean | undefined }>();
expectTypeOf(opened.type).toEqualTypeOf<'door.opened'>();
expectTypeOf(opened).toExtend<NewEvent>();
const planned = events.create({ type: 'route.planned', org: 'acme', data: { at: '2026-07-01T12:00:00Z' } });
expectTypeOf(planned.data).toEqualTypeOf<{ at: string }>();
events.create({ type: 'reading.recorded', org: 'acme', data: '4.5', stream: 's', expectedVersion: 'none' });

export const writes = (tx: Transaction) => append(tx, [opened, planned]);

// @ts-expect-error -- a type that is not defined
events.create({ type: 'door.closed', org: 'acme', data: { by: 'kim' } });
// @ts-expect-error -- data of another type
events.create({ type: 'door.opened', org: 'acme', data: { at: '2026-07-01T12:00:00Z' } });
// @ts-expect-error -- a field of another type
events.create({ type: 'door.opened', org: 'acme', data: { by: 7 } });
// @ts-expect-error -- what is read, not what is written
events.create({ type: 'route.planned', org: 'acme', data: { at: new Date() } });
// @ts-expect-error -- without data
events.create({ type: 'door.opened', org: 'acme' });
// @ts-expect-error -- without an org
events.create({ type: 'door.opened', data: { by: 'kim' } });
// @ts-expect-error -- a field that no event has
events.create({ type: 'door.opened', org: 'acme', units: 'truck-7', data: { by: 'kim' } });
// @ts-expect-error -- not a schema
defineEvents({ 'door.opened': { by: 'string' } });

// Told apart by `type`.
export function told(event: EventOf<Events>): string | number {
  switch (event.type) {
    case 'door.opened':
      return event.data.by;
    case 'route.planned':
      return event.data.at.getTime();
    case 'reading.recorded':
      return event.data.toFixed(1);
  }
}
expectTypeOf<EventOf<Events, 'door.opened'>>().toExtend<CommitcastEvent<{ by: string }>>();
// @ts-expect-error -- before it is told apart, the data may be of any
expectTypeOf<EventOf<Events>['data']>().toExtend<{ by: string }>();
