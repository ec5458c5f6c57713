import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import { authorizeByLists } from '../../src/gateway/authorize.ts';
import type { Identity } from '../../src/gateway/identity.ts';
import { sees } from '../../src/core/sees.ts';
import { roomOf, roomsOf } from '../../src/gateway/rooms.ts';

describe('authorizeByLists', () => {
  const wanted: Record<string, Subscription> = {
    org: {},
    all: { deep: true },
    s1: { site: 's1' },
    's1 deep': { site: 's1', deep: true },
    s2: { site: 's2' },
    's2 deep': { site: 's2', deep: true },
    u1: { unit: 'u1' },
    u2: { unit: 'u2' },
  };
  const rules: [lists: Pick<Identity, 'sites' | 'units'>, allowed: string[]][] = [
    [{}, Object.keys(wanted)],
    [{ sites: undefined, units: undefined }, Object.keys(wanted)],
    [{ sites: [] }, ['org']],
    [{ units: [] }, ['org']],
    [{ sites: [], units: [] }, ['org']],
    [{ sites: ['s1'] }, ['org', 's1', 's1 deep']],
    [{ units: ['u1'] }, ['org', 'u1']],
    [{ sites: ['s1'], units: ['u1'] }, ['org', 's1', 'u1']],
    [{ sites: ['s1'], units: [] }, ['org', 's1']],
    [{ sites: ['S1', 's1 ', '*', ''], units: ['*'] }, ['org']],
  ];

  it.each(rules)('P4: %o may see no more than its lists say', (lists, allowed) => {
    const identity = { userId: 'u', organizationId: 'acme', expiresAt: 0, ...lists };
    const granted = Object.entries(wanted).flatMap(([name, wants]) =>
      authorizeByLists(identity, wants) ? [name] : [],
    );
    expect(granted).toEqual(allowed);
  });
});

describe('rooms', () => {
  const id = fc.constantFrom('a', 'b', 'site', 'unit', '.', '~');
  const orgs = fc.constantFrom('acme', 'rival', 'a');
  const scopes = fc
    .record({ site: fc.option(id, { nil: undefined }), unit: fc.option(id, { nil: undefined }) })
    .map(({ site, unit }) => ({
      ...(site === undefined ? {} : { site }),
      ...(unit === undefined ? {} : { unit }),
    }));
  const subscriptions: fc.Arbitrary<Subscription> = fc.oneof(
    fc.constant({}),
    fc.constant({ deep: true as const }),
    id.map((site) => ({ site })),
    id.map((site) => ({ site, deep: true as const })),
    id.map((unit) => ({ unit })),
  );

  it('P4: live and replay follow one rule: a room is in an event’s union if and only if its subscription sees the event', () => {
    fc.assert(
      fc.property(orgs, orgs, scopes, subscriptions, (org, eventOrg, scope, subscription) => {
        const event = { org: eventOrg, ...scope };
        const live = roomsOf(event).includes(roomOf(org, subscription));
        expect(live).toBe(org === eventOrg && sees(subscription, event));
      }),
      { numRuns: 5_000 },
    );
  });
});
