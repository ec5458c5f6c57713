import { array, assert, constant, constantFrom, oneof, property, record, type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import { sees } from '../../src/core/sees.ts';
import { checkHistory, type Defect } from '../../src/testing/check-history.ts';
import { isSeenBy, type ClientHistory, type SeenEvent, type Step } from '../../src/testing/history.ts';

function event(position: number, changes: Partial<SeenEvent> = {}): SeenEvent {
  return { id: `e${position}`, position, org: 'acme', type: 't', data: { n: position }, ...changes };
}

const log = [
  event(1),
  event(2, { site: 's1' }),
  event(3, { site: 's1', unit: 'u1' }),
  event(5, { unit: 'u2' }),
  event(6, { org: 'rival' }),
  event(7),
];
const own = log.filter(({ org }) => org === 'acme');

const deliver = (...events: SeenEvent[]): Step => ({
  kind: 'events',
  events,
  cursor: `epochaaa-${events.at(-1)?.position}`,
});
const connected = (position?: number): Step => ({
  kind: 'connected',
  cursor: position === undefined ? undefined : `epochaaa-${position}`,
});
const live = (position: number): Step => ({ kind: 'live', cursor: `epochaaa-${position}` });
const dropped: Step = { kind: 'dropped' };
const begun = [connected(), live(0)];

function client(steps: readonly Step[], changes: Partial<ClientHistory> = {}): ClientHistory {
  return { name: 'client', org: 'acme', subscriptions: [{ deep: true }], steps, ...changes };
}

function check(steps: readonly Step[], changes?: Partial<ClientHistory>) {
  const { looked, examples, ...counts } = checkHistory({ log, clients: [client(steps, changes)] });
  const found = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return { found, says: Object.values(examples).flat().join('\n'), looked };
}

describe('finds nothing', () => {
  const good: Record<string, [steps: Step[], changes?: Partial<ClientHistory>]> = {
    'in all of it': [[...begun, deliver(...own)]],
    'over a drop and a catch-up': [
      [...begun, deliver(...own.slice(0, 2)), dropped, connected(2), deliver(...own.slice(2)), live(7)],
    ],
    'from the middle, without a cursor': [[connected(), live(4), deliver(...own.slice(3))]],
    'from the middle, with a cursor': [[connected(3), deliver(...own.slice(3)), live(7)]],
    'in the rooms of a site': [
      [...begun, deliver(...own.slice(0, 2), event(7))],
      { subscriptions: [{ site: 's1' }] },
    ],
    'in the rooms of a unit': [
      [...begun, deliver(event(1), event(5, { unit: 'u2' }), event(7))],
      { subscriptions: [{ unit: 'u2' }] },
    ],
    'of one that left, up to its last cursor': [[...begun, deliver(...own.slice(0, 2)), dropped]],
    'of one that came back without a cursor': [
      [...begun, deliver(...own.slice(0, 2)), dropped, connected(), live(6), deliver(event(7))],
    ],
    'over a reset, which may take it back': [
      [
        ...begun,
        deliver(...own.slice(0, 3)),
        { kind: 'reset', reason: 'epoch', cursor: 'epochbbb-2' },
        deliver(...own.slice(2)),
      ],
    ],
    'up to a revocation of everything': [
      [...begun, deliver(...own.slice(0, 3)), { kind: 'revoked' }, dropped],
    ],
    'up to a revocation whose position is known': [
      [...begun, deliver(...own.slice(0, 3)), { kind: 'revoked' }, dropped],
      { revokedAt: 4 },
    ],
    'after the revocation of one subscription': [
      [
        ...begun,
        deliver(event(1), log[1] as SeenEvent),
        { kind: 'revoked', subscription: { site: 's1', deep: true } },
        deliver(event(5, { unit: 'u2' }), event(7)),
      ],
      { subscriptions: [{ site: 's1', deep: true }, { unit: 'u2' }] },
    ],
  };
  it.for(Object.entries(good))('%s', ([, [steps, changes]]) => {
    expect(check(steps, changes)).toMatchObject({ found: {}, says: '' });
  });
});

describe('finds', () => {
  const bad: Record<
    string,
    [found: Partial<Record<Defect, number>>, says: RegExp, steps: Step[], changes?: Partial<ClientHistory>]
  > = {
    'a missed event': [{ missed: 1 }, /e3 at 3/, [...begun, deliver(...own.filter(({ id }) => id !== 'e3'))]],
    'all events missed by a client that stays and gets nothing': [{ missed: 5 }, /e1 at 1/, [...begun]],
    'an event missed at the seam of a catch-up': [
      { missed: 1 },
      /e3 at 3/,
      [...begun, deliver(...own.slice(0, 2)), dropped, connected(2), live(4), deliver(...own.slice(3))],
    ],
    'an event missed before a reset': [
      { missed: 1 },
      /e1 at 1/,
      [...begun, deliver(log[1] as SeenEvent), { kind: 'reset', reason: 'expired', cursor: 'epochaaa-7' }],
    ],
    'an event that came twice': [{ doubled: 1 }, /e1 at 1/, [...begun, deliver(event(1)), deliver(...own)]],
    'an event out of order': [
      { inverted: 1 },
      /e1 at 1 came after position 2/,
      [...begun, deliver(log[1] as SeenEvent, event(1), ...own.slice(2))],
    ],
    'an event behind a cursor that had passed it': [
      { inverted: 1 },
      /e7 at 7 came after position 9/,
      [
        ...begun,
        deliver(...own.slice(0, 4)),
        live(9),
        { kind: 'events', events: [event(7)], cursor: 'epochaaa-9' },
      ],
    ],
    'a cursor that falls behind': [
      { inverted: 1 },
      /cursor epochaaa-6 after 7/,
      [...begun, { kind: 'events', events: own, cursor: 'epochaaa-6' }],
    ],
    'an event of another org': [{ foreign: 1 }, /e6 at 6 is of rival/, [...begun, deliver(...log)]],
    'an event of a room that it did not ask for': [
      { foreign: 3 },
      /e2 at 2/,
      [...begun, deliver(...own)],
      { subscriptions: [] },
    ],
    'an event after the revocation of everything': [
      { foreign: 1 },
      /e7 at 7, once revoked/,
      [...begun, deliver(...own.slice(0, 4)), { kind: 'revoked' }, deliver(event(7))],
    ],
    'an event after a known revocation': [
      { foreign: 1 },
      /e7 at 7, once revoked/,
      [...begun, deliver(...own)],
      { revokedAt: 6 },
    ],
    'an event before a known revocation that is missed': [
      { missed: 1 },
      /e5 at 5/,
      [...begun, deliver(...own.slice(0, 3)), { kind: 'revoked' }, dropped],
      { revokedAt: 6 },
    ],
    'an event after the revocation of its subscription': [
      { foreign: 1 },
      /e3 at 3 is of acme\/s1\/u1/,
      [
        ...begun,
        deliver(...own.slice(0, 2)),
        { kind: 'revoked', subscription: { site: 's1', deep: true } },
        deliver(...own.slice(2, 3), event(7)),
      ],
      { subscriptions: [{ site: 's1', deep: true }] },
    ],
    'an event before the revocation of its subscription that is missed': [
      { missed: 1 },
      /e2 at 2/,
      [
        ...begun,
        deliver(event(1), log[2] as SeenEvent),
        { kind: 'revoked', subscription: { site: 's1', deep: true } },
        deliver(event(7)),
      ],
      { subscriptions: [{ site: 's1', deep: true }] },
    ],
    'an event that was never committed': [{ ghosts: 1 }, /e8 at 8/, [...begun, deliver(...own, event(8))]],
    'an event at another position': [
      { altered: 1 },
      /e7 at 8: it is at 7/,
      [...begun, deliver(...own.slice(0, 4), event(8, { id: 'e7', data: { n: 7 } }))],
    ],
    'an event with other data': [
      { altered: 1 },
      /data {"n":0} instead of {"n":7}/,
      [...begun, deliver(...own.slice(0, 4), event(7, { data: { n: 0 } }))],
    ],
    'an event of another site than it was': [
      { altered: 1 },
      /acme\/s2\/ instead of acme\/\//,
      [...begun, deliver(...own.slice(0, 4), event(7, { site: 's2' }))],
    ],
  };
  it.for(Object.entries(bad))('%s', ([, [found, says, steps, changes]]) => {
    const result = check(steps, changes);
    expect(result.found).toEqual(found);
    expect(result.says).toMatch(says);
  });
});

it('says what it looked at, and who was away at the end', () => {
  const { looked } = check([...begun, deliver(...own), dropped]);
  expect(looked).toEqual({ log: 6, clients: 1, events: 5, drops: 1, resets: 0, away: 1 });
});

it('judges rooms as the contract says, which is as the gateway has them', () => {
  const id = constantFrom('a', 'b');
  const subscription = oneof<Arbitrary<Subscription>[]>(
    constant({}),
    constant({ deep: true as const }),
    record({ site: id }),
    record({ site: id, deep: constant(true as const) }),
    record({ unit: id }),
  );
  const about = record({ site: id, unit: id }, { requiredKeys: [] });
  assert(
    property(array(subscription, { maxLength: 3 }), about, (subscriptions, scope) => {
      const gateway = [{}, ...subscriptions].some((one) => sees(one, { org: 'acme', ...scope }));
      expect(isSeenBy({ org: 'acme', subscriptions }, { org: 'acme', ...scope })).toBe(gateway);
      expect(isSeenBy({ org: 'rival', subscriptions }, { org: 'acme', ...scope })).toBe(false);
    }),
  );
});
