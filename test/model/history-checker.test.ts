import { expect, it } from 'vitest';
import {
  checkHistory,
  flawless,
  type ClientHistory,
  type Defect,
  type Fact,
  type History,
  type SeenEvent,
  type Step,
} from '../support/history-checker.ts';

/** Three transactions on one hot row, and one of another org; the second has two events. */
const facts: Fact[] = [
  { ...fact('a', 1), site: 's1' },
  { ...fact('b', 2), transaction: 'tb', turn: 0, sequence: 2 },
  { ...fact('b2', 2), transaction: 'tb', turn: 1, sequence: 2, unit: 'u1' },
  { ...fact('r', 2), transaction: 'tr', read: true, writer: 2 },
  { ...fact('c', 3), transaction: 'tc', writer: 3 },
  { ...fact('f', 1), row: 'hot 2', org: 'rival', writer: 4 },
];

function fact(id: string, version: number): Fact {
  const origin = { writer: 1, sequence: 1, turn: 0 };
  return { id, transaction: `t${id}`, row: 'hot 1', version, read: false, org: 'acme', ...origin };
}

function seen(id: string, position: number, changes: Partial<SeenEvent> = {}): SeenEvent {
  const { org, site, unit, row, version, writer, sequence } =
    facts.find((one) => one.id === id) ?? fact(id, 1);
  return { id, position, org, site, unit, data: { row, version, writer, sequence }, ...changes };
}

const all = [seen('a', 1), seen('b', 2), seen('b2', 3), seen('r', 5), seen('c', 7)];

function deliver(...events: SeenEvent[]): Step {
  return { kind: 'events', events, cursor: `epochaaa-${events.at(-1)?.position}` };
}

function client(steps: Step[], changes: Partial<ClientHistory> = {}): ClientHistory {
  const begun: Step[] = [
    { kind: 'connected', cursor: undefined },
    { kind: 'live', cursor: 'epochaaa-0' },
  ];
  return {
    name: 'client',
    org: 'acme',
    subscriptions: [{ deep: true }],
    steps: [...begun, ...steps],
    ...changes,
  };
}

function check(steps: Step[], { spans, ...changes }: Partial<ClientHistory> & Pick<History, 'spans'> = {}) {
  return checkHistory({ facts, clients: [client(steps, changes)], ...(spans ? { spans } : {}) });
}

function counts(found: Partial<Record<Defect, number>>) {
  return { ...flawless, ...found };
}

it('finds nothing in a history that is as promised, over a drop, with dead positions, in partial views', () => {
  const steps: Step[] = [
    deliver(...all.slice(0, 2)),
    { kind: 'dropped' },
    { kind: 'connected', cursor: 'epochaaa-2' },
    deliver(...all.slice(2, 4)),
    { kind: 'live', cursor: 'epochaaa-6' },
    deliver(...all.slice(4)),
  ];
  const clients = [
    client(steps),
    client([deliver(...all.filter(({ site, unit }) => !site && !unit))], { subscriptions: [] }),
    client([deliver(...all.filter(({ unit }) => !unit))], { subscriptions: [{ site: 's1', deep: true }] }),
    client([deliver(...all.filter(({ site }) => !site))], { subscriptions: [{ unit: 'u1' }] }),
    client([deliver(seen('f', 4))], { org: 'rival' }),
    client([deliver(seen('c', 7))], {
      steps: [{ kind: 'live', cursor: 'epochaaa-6' }, deliver(seen('c', 7))],
    }),
  ];
  const report = checkHistory({ facts, clients });
  expect(report).toEqual({
    ...flawless,
    examples: {},
    looked: { facts: 6, clients: 6, events: 18, drops: 1 },
  });
});

const histories: Record<string, { steps: Step[]; finds: Partial<Record<Defect, number>>; says: RegExp }> = {
  'a missed event': {
    steps: [deliver(...all.filter(({ id }) => id !== 'b2'))],
    finds: { missed: 1 },
    says: /b2/,
  },
  'an event that nobody saw at all': {
    steps: [deliver(...all.slice(0, 4))],
    finds: { missed: 1 },
    says: /c at Inf/,
  },
  'an event missed because a cursor passed it': {
    steps: [
      deliver(...all.slice(0, 2)),
      { kind: 'live', cursor: 'epochaaa-3' },
      { kind: 'dropped' },
      { kind: 'connected', cursor: 'epochaaa-3' },
      deliver(...all.slice(3)),
    ],
    finds: { missed: 1 },
    says: /b2/,
  },
  'an event that came again after a drop': {
    steps: [deliver(...all.slice(0, 3)), { kind: 'dropped' }, deliver(...all.slice(2))],
    finds: { doubled: 1 },
    says: /b2 at 3/,
  },
  'positions that do not rise': {
    steps: [
      { kind: 'events', events: [seen('a', 2), seen('b', 1)], cursor: 'epochaaa-2' },
      deliver(...all.slice(2)),
    ],
    finds: { inverted: 1 },
    says: /b at 1 came after position 2/,
  },
  'a version after a later one of its row': {
    steps: [deliver(seen('a', 1), seen('b', 2), seen('b2', 3), seen('c', 5), seen('r', 7))],
    finds: { inverted: 1 },
    says: /reader of version 2 of hot 1 after version 3/,
  },
  'a transaction before the one that its writer had ended': {
    steps: [deliver(seen('b', 1), seen('b2', 2), seen('a', 3), seen('r', 5), seen('c', 7))],
    finds: { inverted: 2 },
    says: /transaction 1.0 of writer 1 after transaction 2.1/,
  },
  'the events of a transaction in another order than they were inserted': {
    steps: [deliver(seen('a', 1), seen('b2', 2), seen('b', 3), seen('r', 5), seen('c', 7))],
    finds: { inverted: 1 },
    says: /transaction 2.0 of writer 1 after transaction 2.1/,
  },
  'a cursor behind what it came with': {
    steps: [{ kind: 'events', events: all, cursor: 'epochaaa-6' }],
    finds: { inverted: 1 },
    says: /cursor epochaaa-6 after 7/,
  },
  'an event of another org': {
    steps: [deliver(...all.slice(0, 3), seen('f', 4), ...all.slice(3))],
    finds: { foreign: 1 },
    says: /f at 4 is of rival/,
  },
  'an event of a transaction that is not committed': {
    steps: [deliver(...all, seen('ghost', 8))],
    finds: { ghosts: 1 },
    says: /ghost at 8/,
  },
  'an event that says what the business rows do not': {
    steps: [deliver(...all.slice(0, 4), seen('c', 7, { data: { row: 'hot 1', version: 4 } }))],
    finds: { altered: 1 },
    says: /version 4 instead of 3/,
  },
  'a reset that nothing called for': {
    steps: [deliver(...all), { kind: 'reset', reason: 'epoch', cursor: 'epochbbb-7' }],
    finds: { reset: 1 },
    says: /epoch at epochbbb-7/,
  },
};

it.for(Object.entries(histories))('finds %s', ([, { steps, finds, says }]) => {
  const { examples, looked, ...found } = check(steps);
  expect(found).toEqual(counts(finds));
  expect(Object.values(examples).flat().join('\n')).toMatch(says);
  expect(looked.clients).toBe(1);
});

it('finds an event of a room that the client did not ask for', () => {
  const { foreign } = check([deliver(...all)], { subscriptions: [{ unit: 'u1' }] });
  expect(foreign).toBe(1);
});

it('finds a transaction that began after another had committed, and comes before it', () => {
  const spans = new Map([
    ['tr', { began: 1, committed: 2 }],
    ['ta', { began: 3, committed: 4 }],
  ]);
  expect(check([deliver(...all)], { spans })).toMatchObject(counts({ inverted: 1 }));
  spans.set('tr', { began: 1, committed: Infinity });
  expect(check([deliver(...all)], { spans })).toMatchObject(flawless);
});

it('finds positions that were given twice, and events at two positions', () => {
  const clients = [client([deliver(...all)]), client([deliver(...all.slice(0, 4), seen('c', 8))])];
  expect(checkHistory({ facts, clients })).toMatchObject(counts({ altered: 1 }));
  const reused = [
    client([deliver(...all)]),
    client([deliver(seen('a', 1))], { subscriptions: [{ site: 's1' }] }),
    client([deliver(seen('f', 7))], { org: 'rival' }),
  ];
  expect(checkHistory({ facts, clients: reused }).examples.altered?.[0]).toMatch(
    /f at 7, where another saw c/,
  );
});
