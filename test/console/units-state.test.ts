import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/client/index.ts';
import { trendOf, type Unit } from '../../src/console/units/unit.ts';
import { receive, stateOfModel, type UnitsState } from '../../src/console/units/units-state.ts';
import { evolve as evolveModel, type UnitView } from '../../src/demo/unit-view.ts';

const org = 'demo-northwind';
const ids = ['reefer-17', 'constructor', '__proto__'];

const field = (value: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: fc.anything() });
const content = fc.record(
  {
    name: field(fc.constantFrom('Reefer 17', 'Truck 7')),
    limit: field(fc.double({ min: -30, max: 30, noNaN: true })),
    temperature: field(fc.double({ min: -30, max: 30, noNaN: true })),
    number: field(fc.nat()),
    by: field(fc.constantFrom('Ida', 'Sam')),
  },
  { requiredKeys: [] },
);
const events = fc
  .array(
    fc.record(
      {
        type: fc.constantFrom(
          'reading.recorded',
          'alarm.raised',
          'alarm.cleared',
          'door.opened',
          'door.closed',
          'ghost.appended',
          'shift.started',
        ),
        unit: fc.constantFrom(...ids),
        site: fc.constantFrom('pier-4', 'pier-5'),
        data: fc.oneof({ weight: 8, arbitrary: content }, { weight: 1, arbitrary: fc.anything() }),
      },
      { requiredKeys: ['type', 'data'] },
    ),
    { maxLength: 120 },
  )
  .map((list) =>
    list.map((event, index): CommitcastEvent => ({
      ...event,
      org,
      id: String(index),
      position: index + 1,
      time: new Date(Date.UTC(2026, 0, 1) + index).toISOString(),
    })),
  );

/** The rows of the read model after these events. */
function model(list: readonly CommitcastEvent[]): Unit[] {
  const types = new Set(['reading.recorded', 'alarm.raised', 'alarm.cleared', 'door.opened', 'door.closed']);
  const rows = new Map<string, UnitView>();
  for (const event of list)
    if (event.unit !== undefined && types.has(event.type))
      rows.set(event.unit, evolveModel(rows.get(event.unit), { ...event, unit: event.unit }));
  const units = [...rows.values()].map(({ orgId: _org, position: _position, ...unit }) => unit);
  return JSON.parse(JSON.stringify(units)) as Unit[];
}

const byId = (one: Unit, other: Unit) => (one.id < other.id ? -1 : 1);

const loaded = (units: Unit[], position: number): UnitsState =>
  stateOfModel({ units, cursor: `aaaaaaaa-${position}`, position, head: position, reached: true });

const reading = (position: number, number: number): CommitcastEvent => ({
  org,
  id: String(position),
  position,
  time: '2026-01-01T00:00:00.000Z',
  type: 'reading.recorded',
  unit: 'reefer-17',
  data: { number, temperature: 4 },
});

describe('the units', () => {
  it('are the same wherever the read model ends and the events begin', () => {
    fc.assert(
      fc.property(events, fc.nat(), (list, cut) => {
        const at = list.length === 0 ? 0 : cut % (list.length + 1);
        const { units } = list.slice(at).reduce(receive, loaded(model(list.slice(0, at)), at));
        const followed = JSON.parse(JSON.stringify([...units.values()])) as Unit[];
        expect(followed.sort(byId)).toEqual(model(list).sort(byId));
      }),
      { numRuns: 300 },
    );
  });

  it('are not changed in place: React compares states', () => {
    fc.assert(
      fc.property(events, (list) => {
        let state = loaded([], 0);
        for (const event of list) {
          const before = JSON.stringify([...state.units]);
          const next = receive(state, event);
          expect(JSON.stringify([...state.units])).toBe(before);
          expect(next).not.toBe(state);
          state = next;
        }
      }),
      { numRuns: 50 },
    );
  });

  it('know how far they are, also by events that are about no unit', () => {
    const shift = { ...reading(7, 1), type: 'shift.started' };
    delete shift.unit;
    expect(receive(loaded([], 5), shift)).toMatchObject({ position: 7, loadedAt: 5, followed: 1 });
  });

  it('count a reading that was left out at the seam, and one that came twice', () => {
    const before = [reading(1, 1), reading(2, 2)].reduce(receive, loaded([], 0));
    const seam = loaded([...before.units.values()], 2);
    expect([reading(3, 3), reading(4, 4)].reduce(receive, seam)).toMatchObject({ missed: 0, twice: 0 });
    expect([reading(5, 5)].reduce(receive, seam)).toMatchObject({ missed: 2, twice: 0 });
    expect([reading(2, 2), reading(3, 3)].reduce(receive, seam)).toMatchObject({ missed: 0, twice: 1 });
  });
});

describe('the trend', () => {
  it('is over the last readings, and steady below half a degree', () => {
    expect(trendOf({ series: [] })).toBeUndefined();
    expect(trendOf({ series: [3] })).toBeUndefined();
    expect(trendOf({ series: [3, 3.4] })).toBe('steady');
    expect(trendOf({ series: [9, 3, 3, 3, 3.5] })).toBe('rising');
    expect(trendOf({ series: [0, 3, 3, 2.5, 2.5] })).toBe('falling');
  });
});
