// An application that has registered its events: a program of its own, because what it declares holds for all of it.
import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { connect, defineEvents, type CommitcastClient, type EventsOf } from 'commitcast/client';
import { CommitcastProvider, useCommitcast, useEvents, useSubscription } from 'commitcast/react';

const events = defineEvents({
  'door.opened': z.object({ by: z.string() }),
  'route.planned': z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }),
});

declare module 'commitcast/react' {
  interface Register {
    events: typeof events;
  }
}

export const app = (
  <CommitcastProvider
    token={() => fetch('/token').then((answer) => answer.text())}
    events={events}
    store="session"
  >
    <main />
  </CommitcastProvider>
);
export const own = <CommitcastProvider client={connect({ token: 'a token', events })} />;
// @ts-expect-error -- a client is made already
export const both = <CommitcastProvider client={connect({ token: 'a token' })} token="a token" />;
// @ts-expect-error -- nothing to connect with
export const neither = <CommitcastProvider />;

export function useRegistered(): void {
  useEvents(
    { unit: 'truck-7' },
    { 'door.opened': ({ data }) => expectTypeOf(data.by).toEqualTypeOf<string>() },
  );
  // @ts-expect-error -- a type that is not defined
  useEvents({}, { 'door.closed': () => undefined });
  const { state } = useSubscription(
    { deep: true },
    (last: number, event) => (event.type === 'route.planned' ? event.data.at.getTime() : last),
    0,
  );
  expectTypeOf(state).toEqualTypeOf<number>();
  // @ts-expect-error -- told apart by `type` first
  useSubscription({}, (last: number, event) => event.data.at.getTime() + last, 0);
  expectTypeOf(useCommitcast()).toEqualTypeOf<CommitcastClient<EventsOf<typeof events>> | undefined>();
}
