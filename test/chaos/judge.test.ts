import { expect, it } from 'vitest';
import type { Fact, SeenEvent } from '../support/history-checker.ts';
import { ChaosClient } from './client.ts';
import { judge, promises, type Promised } from './judge.ts';
import { Ledger } from './ledger.ts';

const log: SeenEvent[] = [1, 2, 4, 5, 6].map((position) => ({
  position,
  id: `e${position}`,
  type: 'changed',
  org: position === 5 ? 'rival' : 'acme',
  site: undefined,
  unit: position === 4 ? 'u1' : undefined,
  data: { row: `row ${position}`, version: 1, writer: position, sequence: 1 },
}));
const facts: Fact[] = log.map(({ id, org, site, unit, position }) => ({
  id,
  org,
  site,
  unit,
  transaction: `t${position}`,
  writer: position,
  sequence: 1,
  turn: 0,
  row: `row ${position}`,
  version: 1,
  read: false,
}));

interface Change {
  /** What its callback got. Default: all that is its due. */
  positions?: number[];
  cursor?: string;
  start?: number;
  hasLeft?: boolean;
  revokedAt?: number;
  log?: SeenEvent[];
  leaks?: string[];
}

function found({ positions = [1, 2, 4, 6], start = 0, cursor = 'epochaaa-6', ...rest }: Change) {
  const ledger = new Ledger();
  for (const event of log) ledger.agrees(event);
  const client = new ChaosClient({
    name: 'client',
    org: 'acme',
    subscriptions: [{ deep: true }],
    transport: 'websocket',
    ledger,
  });
  client.start = start;
  client.cursor = cursor;
  client.positions.push(...positions);
  client.leaks.push(...(rest.leaks ?? []));
  const { counts, examples } = judge({
    log: rest.log ?? log,
    facts,
    spans: new Map(),
    ledger,
    clients: [client],
    present: new Set(rest.hasLeft ? [] : [client]),
    consumers: { specs: [], readModels: [], handled: [] },
    revocations: new Map(rest.revokedAt === undefined ? [] : [['client', rest.revokedAt]]),
  });
  for (const promise of promises) expect(examples[promise] ?? []).toHaveLength(counts[promise]);
  return Object.fromEntries(promises.filter((name) => counts[name] > 0).map((name) => [name, counts[name]]));
}

const flawless: [string, Change][] = [
  ['all of its rooms', {}],
  ['all from where it began', { start: 2, positions: [4, 6] }],
  ['all up to where it left', { positions: [1, 2], cursor: 'epochaaa-2', hasLeft: true }],
  ['all up to its revocation', { positions: [1, 2], cursor: 'epochaaa-2', revokedAt: 3 }],
];

it.for(flawless)('finds nothing wrong with a client that has %s', ([, change]) => {
  expect(found(change)).toEqual({});
});

const defects: [string, Change, Partial<Record<Promised, number>>][] = [
  ['a hole', { positions: [1, 4, 6] }, { missed: 1 }],
  ['a missing end', { positions: [1, 2, 4] }, { missed: 1 }],
  ['a hole before it left', { positions: [1, 6], hasLeft: true }, { missed: 2 }],
  ['a repetition', { positions: [1, 2, 2, 4, 6] }, { doubled: 1 }],
  ['two in the wrong order', { positions: [1, 4, 2, 6] }, { inverted: 1 }],
  ['what nobody committed', { positions: [1, 2, 3, 4, 6] }, { ghosts: 1 }],
  ['something after its revocation', { revokedAt: 4 }, { afterRevocation: 1 }],
  ['stayed admitted', { leaks: ['still admitted'], revokedAt: 7 }, { afterRevocation: 1 }],
  [
    'seen what the log has not kept',
    { log: log.filter(({ position }) => position !== 2) },
    { missed: 1, ghosts: 1 },
  ],
];

it.for(defects)('finds a client that has %s', ([, change, expected]) => {
  expect(found(change)).toEqual(expected);
});

it('compares every sight of an event with what the first who saw it was told, and with the log', () => {
  const ledger = new Ledger();
  const [event] = log;
  if (!event) throw new Error('no event');
  expect(ledger.agrees(event)).toBe(true);
  expect(ledger.agrees({ ...event })).toBe(true);
  expect(ledger.agrees({ ...event, data: { row: 'another' } })).toBe(false);
  expect(ledger.agrees({ ...event, org: 'rival' })).toBe(false);
});
