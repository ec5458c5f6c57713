// Compiled by `npm run types`, never run.
import { expectTypeOf } from 'vitest';
import {
  connect,
  isErased,
  type Code,
  type CommitcastClient,
  type CommitcastEvent,
  type ConnectionState,
  type EventsOf,
  type Subscription,
  type SubscriptionHandle,
  type SubscriptionState,
  type Tombstone,
} from '../../src/client/index.ts';
import { events } from './events.ts';

const token = 'a token';

// Types come from the definitions, ...
const client = connect({ token, events });
const truck = client.subscribe({ unit: 'truck-7' });
truck.on('door.opened', (event) => {
  expectTypeOf(event.data).toEqualTypeOf<{ by: string; forced: boolean }>();
  expectTypeOf(event.type).toEqualTypeOf<'door.opened'>();
  expectTypeOf(event.position).toEqualTypeOf<number>();
});
truck.on('route.planned', ({ data }) => expectTypeOf(data.at).toEqualTypeOf<Date>());
truck.on('*', (event) => {
  expectTypeOf(event.type).toEqualTypeOf<'door.opened' | 'route.planned' | 'reading.recorded'>();
  if (event.type === 'reading.recorded') expectTypeOf(event.data).toEqualTypeOf<number>();
  if (event.type === 'route.planned') expectTypeOf(event.data).toEqualTypeOf<{ at: Date }>();
  if (isErased(event)) expectTypeOf(event.data).toExtend<Tombstone>();
});
expectTypeOf(truck.on('*', async () => undefined)).toEqualTypeOf<() => void>();
// @ts-expect-error -- a type that is not defined
truck.on('door.closed', () => undefined);
// @ts-expect-error -- a handler for other data
truck.on('door.opened', ({ data }: CommitcastEvent<{ at: Date }>) => data.at);

export async function loop(): Promise<void> {
  for await (const event of truck) {
    expectTypeOf(event.type).toEqualTypeOf<'door.opened' | 'route.planned' | 'reading.recorded'>();
    if (event.type === 'door.opened') expectTypeOf(event.data.by).toEqualTypeOf<string>();
  }
}

// ... or from a type alone, ...
const typed = connect<EventsOf<typeof events>>({ token });
typed.subscribe({}).on('route.planned', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ at: Date }>());
// @ts-expect-error -- a type that is not defined
typed.subscribe({}).on('door.closed', () => undefined);
const map = connect<{ tick: number }>({ token: async () => token, url: 'http://127.0.0.1:3000' });
map.subscribe({}).on('tick', ({ data }) => expectTypeOf(data).toEqualTypeOf<number>());

// ... and without either the data may be anything.
const plain = connect({ token });
expectTypeOf(plain).toEqualTypeOf<CommitcastClient>();
plain.subscribe({}).on('door.opened', ({ data, type }) => {
  expectTypeOf(data).toEqualTypeOf<unknown>();
  expectTypeOf(type).toExtend<string>();
});

// What takes a client of some events says of which.
export const setUp = (_client: CommitcastClient<EventsOf<typeof events>>): void => undefined;
setUp(client);
setUp(typed);
expectTypeOf(truck).toEqualTypeOf<SubscriptionHandle<EventsOf<typeof events>>>();
// @ts-expect-error -- other events
setUp(map);

// @ts-expect-error -- a token is required
connect({ url: 'http://127.0.0.1:3000' });
// @ts-expect-error -- an option that there is not
connect({ token, retries: 3 });
// @ts-expect-error -- a store that there is not
connect({ token, store: 'local' });
// @ts-expect-error -- what Socket.IO does by itself is the client's business
connect({ token, transport: { reconnection: true } });
// @ts-expect-error -- a token function gives text
connect({ token: () => 7 });
connect({ token, store: { load: () => null, save: () => undefined }, transport: { path: '/live' } });

// Scopes: the org, all of it, a site, the site with its units, a unit.
const scopes: Subscription[] = [{}, { deep: true }, { site: 's' }, { site: 's', deep: true }, { unit: 'u' }];
for (const scope of scopes) client.subscribe(scope);
// @ts-expect-error -- a unit has no depth
client.subscribe({ unit: 'u', deep: true });
// @ts-expect-error -- a unit is named without its site
client.subscribe({ site: 's', unit: 'u' });
// @ts-expect-error -- the session's org is the token's
client.subscribe({ org: 'acme' });
// @ts-expect-error -- not a name
client.subscribe({ unit: 7 });
// @ts-expect-error -- a scope is required
client.subscribe();

// `load` gives a cursor, or nothing.
client.subscribe({}, { from: 'abcdefgh-1', load: ({ signal }) => void signal.aborted });
client.subscribe({}, { load: async ({ reason }) => `${reason}-1` });
// @ts-expect-error -- not a cursor
client.subscribe({}, { load: () => 7 });
truck.onReset(({ reason }) => {
  expectTypeOf(reason).toEqualTypeOf<'start' | 'expired' | 'epoch' | 'unknown'>();
});

// States narrow by their name.
export function connection(state: ConnectionState): string {
  switch (state.name) {
    case 'connecting':
    case 'catching-up':
      expectTypeOf(state.attempt).toEqualTypeOf<number>();
      return '';
    case 'offline':
      expectTypeOf(state.until).toEqualTypeOf<'due' | 'drained'>();
      return state.reason.message;
    case 'denied':
      expectTypeOf(state.reason.code).toEqualTypeOf<Code | undefined>();
      return state.reason.message;
    case 'live':
    case 'closed':
      // @ts-expect-error -- nothing is wrong
      return state.reason;
  }
}
export function subscription(state: SubscriptionState): unknown {
  switch (state.name) {
    case 'denied':
      expectTypeOf(state.code).toEqualTypeOf<Code>();
      return state.code;
    case 'failed':
      expectTypeOf(state.error).toEqualTypeOf<unknown>();
      return state.error;
    case 'waiting':
    case 'loading':
    case 'active':
    case 'ended':
      // @ts-expect-error -- nothing has failed
      return state.error;
  }
}
