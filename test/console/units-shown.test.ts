import { describe, expect, it } from 'vitest';
import { groupSites, openAlarms } from '../../src/console/units/group-sites.ts';
import { height, shapeOf, width } from '../../src/console/units/sparkline-shape.ts';
import { blankUnit, type Unit } from '../../src/console/units/unit.ts';

const unit = (id: string, known: Partial<Unit> = {}): Unit => ({ ...blankUnit(id), ...known });
const at = (id: string, alarmSince: string | null) => unit(id, { siteId: 'yard', alarmSince });
const units = (...list: Unit[]) => new Map(list.map((each) => [each.id, each]));
const told = [
  { id: 'pier-4', name: 'Pier 4', units: [{ id: 'b', name: 'Bee', kind: 'truck', limit: 4 }] },
  { id: 'yard', name: 'Yard', units: [{ id: 'c', name: 'Cee' }] },
];

describe('the sites', () => {
  it('show what is told of, in its order, before the first event, and what only events tell of after it', () => {
    const sites = groupSites(units(unit('z', { siteId: 'new' }), unit('a')), told);
    expect(sites.map(({ title, units: members }) => [title, members.map(({ title: name }) => name)])).toEqual(
      [
        ['Pier 4', ['Bee']],
        ['Yard', ['Cee']],
        ['No site', ['a']],
        ['new', ['z']],
      ],
    );
    expect(sites[0]?.units[0]).toMatchObject({ kind: 'truck', limit: 4, temperature: null });
  });

  it('have a unit where its events say that it is, under the name that they give', () => {
    const sites = groupSites(units(unit('b', { siteId: 'yard', name: 'New Bee' })), told);
    expect(sites.map(({ id, units: members }) => [id, members.map(({ title }) => title)])).toEqual([
      ['yard', ['New Bee', 'Cee']],
    ]);
  });
});

describe('the open alarms', () => {
  it('are listed with the longest first, so that a new one moves nothing', () => {
    const sites = groupSites(
      units(at('a', '2026-01-01T00:00:09Z'), at('b', null), at('d', '2026-01-01T00:00:03Z')),
      told,
    );
    expect(openAlarms(sites).map(({ id }) => id)).toEqual(['d', 'a']);
  });
});

const pointsOf = (series: number[], limit: number | null = null) =>
  (shapeOf(series, limit)?.points ?? '').split(' ').map((point) => point.split(',').map(Number));

describe('the curve', () => {
  it('ends at the right, rises upwards, and stays inside', () => {
    const points = pointsOf(Array.from({ length: 48 }, (_, index) => index));
    expect(points.length).toBe(48);
    expect(points.at(-1)?.[0]).toBeCloseTo(width - 3, 1);
    for (const [index, [x = -1, y = -1]] of points.entries()) {
      expect(x >= 0 && x <= width && y >= 0 && y <= height).toBe(true);
      if (index > 0) expect(y).toBeLessThan(points[index - 1]?.[1] ?? 0);
    }
  });

  it('is nothing without readings; a few do not fill the width, and noise not the height', () => {
    expect(shapeOf([], 4)).toBeUndefined();
    const [first, second] = pointsOf([1, 1.4]);
    expect(first?.[0]).toBeGreaterThan(width * 0.8);
    expect((first?.[1] ?? 0) - (second?.[1] ?? 0)).toBeLessThan(height / 8);
  });

  it('has its limit only where it lies in what is shown', () => {
    expect(shapeOf([1, 9], 5)?.limit).toBe(height / 2);
    expect(shapeOf([1, 9], 30)?.limit).toBeUndefined();
    expect(shapeOf([1, 9], null)?.limit).toBeUndefined();
  });
});
