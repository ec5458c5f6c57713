import type { ConnectionEvent, ConnectionState } from '../../src/client/state.ts';

export type StateName = ConnectionState['name'];
export type EventType = ConnectionEvent['type'];

/** States, with the fields that decide what an event does to them. */
export const states = {
  connecting: { name: 'connecting', attempt: 2, renew: false },
  'connecting, new token': { name: 'connecting', attempt: 2, renew: true },
  'catching-up': { name: 'catching-up', attempt: 2 },
  live: { name: 'live' },
  'offline, due': { name: 'offline', attempt: 2, reason: { message: 'lost' }, until: 'due' },
  'offline, drained': { name: 'offline', attempt: 2, reason: { message: 'full' }, until: 'drained' },
  denied: { name: 'denied', reason: { code: 'ORG_FORBIDDEN', message: 'no' } },
  closed: { name: 'closed' },
} as const satisfies Record<string, ConnectionState>;

/** Events, with the fields that decide what they do. */
export const events = {
  connect: { type: 'connect' },
  accepted: { type: 'accepted' },
  live: { type: 'live' },
  replaying: { type: 'replaying' },
  rewind: { type: 'rewind' },
  lost: { type: 'lost', reason: { message: 'lost' } },
  'refused, retry': { type: 'refused', reason: { code: 'UNAVAILABLE', message: 'no' }, retry: true },
  'refused, for good': { type: 'refused', reason: { code: 'ORG_FORBIDDEN', message: 'no' }, retry: false },
  'refused, token': { type: 'refused', reason: { code: 'TOKEN_EXPIRED', message: 'no' }, retry: false },
  due: { type: 'due' },
  wake: { type: 'wake' },
  overflow: { type: 'overflow' },
  drained: { type: 'drained' },
  close: { type: 'close' },
} as const satisfies Record<string, ConnectionEvent>;

/** Each state, and each event, has at least one variant above: else this does not compile. */
type Covered<Name extends string, All extends Record<string, unknown>> = [Name] extends [
  All[keyof All] extends infer Value
    ? Value extends { name: infer N } | { type: infer N }
      ? N
      : never
    : never,
]
  ? true
  : never;
export const isExhaustive: [Covered<StateName, typeof states>, Covered<EventType, typeof events>] = [
  true,
  true,
];

/** The next state, as SPEC.md writes it; `-`: the event is ignored. */
export const table: Record<keyof typeof states, Record<keyof typeof events, string>> = {
  connecting: {
    connect: '-',
    accepted: 'catching-up',
    live: '-',
    replaying: '-',
    rewind: 'connecting',
    lost: 'offline +1',
    'refused, retry': 'offline +1',
    'refused, for good': 'denied',
    'refused, token': 'connecting, new token',
    due: '-',
    wake: '-',
    overflow: '-',
    drained: '-',
    close: 'closed',
  },
  'connecting, new token': {
    connect: '-',
    accepted: 'catching-up',
    live: '-',
    replaying: '-',
    rewind: 'connecting, new token',
    lost: 'offline +1',
    'refused, retry': 'offline +1',
    'refused, for good': 'denied',
    'refused, token': 'denied',
    due: '-',
    wake: '-',
    overflow: '-',
    drained: '-',
    close: 'closed',
  },
  'catching-up': {
    connect: '-',
    accepted: '-',
    live: 'live',
    replaying: '-',
    rewind: 'connecting',
    lost: 'offline +1',
    'refused, retry': 'offline +1',
    'refused, for good': 'denied',
    'refused, token': 'offline +1',
    due: '-',
    wake: '-',
    overflow: 'offline, drained',
    drained: '-',
    close: 'closed',
  },
  live: {
    connect: '-',
    accepted: '-',
    live: '-',
    replaying: 'catching-up',
    rewind: 'connecting',
    lost: 'offline +1',
    'refused, retry': 'offline +1',
    'refused, for good': 'denied',
    'refused, token': 'offline +1',
    due: '-',
    wake: '-',
    overflow: 'offline, drained',
    drained: '-',
    close: 'closed',
  },
  'offline, due': {
    connect: 'connecting',
    accepted: '-',
    live: '-',
    replaying: '-',
    rewind: '-',
    lost: '-',
    'refused, retry': '-',
    'refused, for good': '-',
    'refused, token': '-',
    due: 'connecting',
    wake: 'connecting',
    overflow: '-',
    drained: '-',
    close: 'closed',
  },
  'offline, drained': {
    connect: 'connecting',
    accepted: '-',
    live: '-',
    replaying: '-',
    rewind: '-',
    lost: '-',
    'refused, retry': '-',
    'refused, for good': '-',
    'refused, token': '-',
    due: '-',
    wake: '-',
    overflow: '-',
    drained: 'connecting',
    close: 'closed',
  },
  denied: {
    connect: 'connecting, new token',
    accepted: '-',
    live: '-',
    replaying: '-',
    rewind: '-',
    lost: '-',
    'refused, retry': '-',
    'refused, for good': '-',
    'refused, token': '-',
    due: '-',
    wake: '-',
    overflow: '-',
    drained: '-',
    close: 'closed',
  },
  closed: {
    connect: '-',
    accepted: '-',
    live: '-',
    replaying: '-',
    rewind: '-',
    lost: '-',
    'refused, retry': '-',
    'refused, for good': '-',
    'refused, token': '-',
    due: '-',
    wake: '-',
    overflow: '-',
    drained: '-',
    close: '-',
  },
};
