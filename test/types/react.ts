// Compiled by `npm run types`, never run. Hooks without `Register`; with it, see `register/`.
import { createElement } from 'react';
import { expectTypeOf } from 'vitest';
import { connect, type ConnectionState, type EventOf, type EventsOf } from '../../src/client/index.ts';
import {
  CommitcastProvider,
  useCommitcast,
  useConnection,
  useEvents,
  useSubscription,
  type CommitcastProviderProps,
} from '../../src/client/react/index.ts';
import type { CommitcastClient } from '../../src/client/api.ts';
import { events } from './events.ts';

type Events = EventsOf<typeof events>;
type Doors = Readonly<Record<string, string>>;

const token = 'a token';
const client = connect({ token, events });

// A client, or what one is made of.
createElement(CommitcastProvider, { client });
createElement(CommitcastProvider, { client: connect({ token }) });
createElement(CommitcastProvider, { token, url: 'http://127.0.0.1:3000', store: 'session', events });
createElement(CommitcastProvider, { token: async () => token }, 'children');
// @ts-expect-error -- neither
const neither: CommitcastProviderProps = {};
// @ts-expect-error -- both
const both: CommitcastProviderProps = { client, token };
// @ts-expect-error -- an option of a client that is made already
const late: CommitcastProviderProps = { client, url: 'http://127.0.0.1:3000' };
// @ts-expect-error -- an option that there is not
const unknown: CommitcastProviderProps = { token, retries: 3 };
export const props = [neither, both, late, unknown];

const byDoor = (doors: Doors, event: EventOf<Events>): Doors =>
  event.type === 'door.opened' ? { ...doors, [event.unit ?? '']: event.data.by } : doors;

export function useAll(): void {
  expectTypeOf(useCommitcast()).toEqualTypeOf<CommitcastClient | undefined>();
  expectTypeOf(useConnection()).toEqualTypeOf<ConnectionState>();

  // With an initial state there is always one, ...
  const doors = useSubscription({ deep: true }, byDoor, {});
  expectTypeOf(doors.state).toEqualTypeOf<Doors>();
  expectTypeOf(doors.status).toEqualTypeOf<
    'waiting' | 'loading' | 'active' | 'ended' | 'denied' | 'failed'
  >();
  expectTypeOf(doors.error).toEqualTypeOf<unknown>();
  expectTypeOf(doors.retry).toEqualTypeOf<() => void>();
  const count = useSubscription({ unit: 'u' }, (sum: number, { position }) => sum + position, 0);
  expectTypeOf(count.state).toEqualTypeOf<number>();
  const inferred = useSubscription(
    { unit: 'u' },
    (sum, event) => {
      expectTypeOf(event.data).toEqualTypeOf<unknown>();
      return sum + 1;
    },
    0,
  );
  expectTypeOf(inferred.state).toEqualTypeOf<number>();

  // ... with a snapshot there is none until it is loaded.
  const loaded = useSubscription({ deep: true }, byDoor, async ({ reason, signal }) => {
    expectTypeOf(reason).toEqualTypeOf<'start' | 'expired' | 'epoch' | 'unknown'>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    return { state: { 'truck-7': 'kim' }, cursor: 'abcdefgh-1' };
  });
  expectTypeOf(loaded.state).toEqualTypeOf<Doors | undefined>();
  // What JSON brings has any type.
  const fetched = useSubscription(null, byDoor, () =>
    fetch('/doors').then((answer) => answer.json() as never),
  );
  expectTypeOf(fetched.state).toEqualTypeOf<Doors | undefined>();
  // @ts-expect-error -- a snapshot has a cursor
  useSubscription({}, byDoor, async () => ({ state: {} as Doors }));
  // @ts-expect-error -- the reducer gives another state than it takes
  useSubscription({}, (sum: number) => String(sum), 0);
  // @ts-expect-error -- a scope that there is not
  useSubscription({ org: 'acme' }, byDoor, {});

  // One handler, or one for each type.
  const { state, retry } = useEvents({}, (event) => expectTypeOf(event.data).toEqualTypeOf<unknown>());
  expectTypeOf(retry).toEqualTypeOf<() => void>();
  if (state.name === 'failed') expectTypeOf(state.error).toEqualTypeOf<unknown>();
  useEvents(
    {},
    {
      'door.opened': ({ data, type }) => {
        expectTypeOf(data).toEqualTypeOf<unknown>();
        expectTypeOf(type).toEqualTypeOf<'door.opened'>();
      },
    },
  );
  useEvents<Events>(null, {
    'door.opened': ({ data }) => expectTypeOf(data.by).toEqualTypeOf<string>(),
    'route.planned': async ({ data }) => expectTypeOf(data.at).toEqualTypeOf<Date>(),
  });
  useEvents<Events>({ site: 'harbour', deep: true }, (event) => {
    if (event.type === 'reading.recorded') expectTypeOf(event.data).toEqualTypeOf<number>();
  });
  // @ts-expect-error -- a type that is not defined
  useEvents<Events>({}, { 'door.closed': () => undefined });
  // @ts-expect-error -- a scope that there is not
  useEvents({ unit: 'u', deep: true }, () => undefined);
}
