import { expect, it } from 'vitest';
import { describeWithTool } from '../../support/tools.ts';
import { failover, restoreByDump, restoreByTemplate, rollback } from './disasters.ts';
import { playDisaster, type Play, type Played } from './play.ts';
import { epochOf, resetsOf } from './world.ts';

const timeoutMs = 120_000;

/** Whoever saw what is gone hears it once and goes back to the end of the old history; nobody else is disturbed. */
function expectResets({ live, back, away, gone, late, end, newEpoch, lostIds }: Played): void {
  const reset = { reason: 'epoch', cursor: `${newEpoch}-${end}` };
  for (const observer of [...live, back, gone]) {
    const saw = observer.events.some(({ id }) => lostIds.has(id));
    expect(resetsOf(observer), observer.name).toEqual(saw ? [reset] : []);
  }
  for (const observer of [away, late]) expect(resetsOf(observer), observer.name).toEqual([]);
}

function expectNoResets({ live, back, away, gone, late }: Played): void {
  for (const observer of [...live, back, away, gone, late]) {
    expect(resetsOf(observer), observer.name).toEqual([]);
    const ids = observer.events.map(({ id }) => id);
    expect(new Set(ids).size, observer.name).toBe(ids.length);
  }
}

function expectNewCursors({ live, back, away, gone, late, newEpoch }: Played): void {
  for (const { name, cursor } of [...live, back, away, gone, late])
    expect(epochOf(cursor), name).toBe(newEpoch);
}

describeWithTool('pg_basebackup', 'P3: a history that ends before what clients have seen', () => {
  const disasters = { failover, rollback, restoreByDump, restoreByTemplate };

  it.each(Object.keys(disasters) as (keyof typeof disasters)[])(
    '%s, and positions are given again before any instance is there: one reset each, and no new event is hidden',
    async (name) => {
      const played = await playDisaster(await disasters[name](), { lost: 100, written: 150 });
      // Not the same events at the same places: that is what would hide them.
      const again = played.log.filter(({ position }) => played.lostPositions.includes(position));
      expect(again.length).toBeGreaterThan(0);
      expectResets(played);
      expectNewCursors(played);
    },
    timeoutMs,
  );

  it.each<[string, Play]>([
    ['so few that the new positions are all beyond them', { lost: 3, written: 60 }],
    ['more than are written anew: the new ones are all before where clients are', { lost: 150, written: 10 }],
    ['and nothing is written anew', { lost: 20, written: 0 }],
  ])(
    'a failover that loses events, %s',
    async (_name, play) => {
      const played = await playDisaster(await failover(), play);
      expectResets(played);
      expectNewCursors(played);
    },
    timeoutMs,
  );

  it.each(['failover', 'restoreByDump'] as const)(
    '%s, and no instance has a relay: rows of another history are recognised by what they bear',
    async (name) => {
      const played = await playDisaster(await disasters[name](), { lost: 60, written: 120, relay: false });
      expectResets(played);
    },
    timeoutMs,
  );

  it.each(Object.keys(disasters) as (keyof typeof disasters)[])(
    '%s that loses nothing: everything once, in order, and no reset',
    async (name) => {
      const played = await playDisaster(await disasters[name](), { lost: 0, written: 50 });
      expectNoResets(played);
      expectNewCursors(played);
    },
    timeoutMs,
  );
});
