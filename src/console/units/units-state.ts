import type { CommitcastEvent } from '../../client/index.ts';
import { blankUnit, evolve, unitTypes, type Unit } from './unit.ts';

/** The units of an org: what the read model said, and all events since. */
export interface UnitsState {
  readonly units: ReadonlyMap<string, Unit>;
  /** Epoch of the database's history, the first part of a cursor. */
  readonly epoch: string;
  /** Events up to here are in the units. */
  readonly position: number;
  /** Where the read model was when it was loaded. */
  readonly loadedAt: number;
  /** Events that were followed since. */
  readonly followed: number;
  /** Numbers of readings that were left out: the page's own check of the seam between the two. */
  readonly missed: number;
  /** Readings whose number was there already. */
  readonly twice: number;
}

/** What `GET /demo/units` answers. */
export interface Model {
  readonly units: readonly Unit[];
  readonly cursor: string;
  readonly position: number;
  /** How far the log was at that moment. */
  readonly head: number;
  /** Whether it is at or after the cursor that was asked for. */
  readonly reached: boolean;
}

export function stateOfModel({ units, cursor, position }: Model): UnitsState {
  return {
    units: new Map(units.map((unit) => [unit.id, unit])),
    epoch: epochOf(cursor),
    position,
    loadedAt: position,
    followed: 0,
    missed: 0,
    twice: 0,
  };
}

/** The reducer: the state after one more event of the org. */
export function receive(before: UnitsState, event: CommitcastEvent): UnitsState {
  const { position, unit: id, type } = event;
  const state = { ...before, position, followed: before.followed + 1 };
  if (id === undefined || !unitTypes.has(type)) return state;
  const known = before.units.get(id) ?? blankUnit(id);
  const unit = evolve(known, event);
  state.units = new Map(before.units).set(id, unit);
  if (type === 'reading.recorded' && known.number !== null && unit.number !== null) {
    state.missed += Math.max(0, unit.number - known.number - 1);
    if (unit.number <= known.number) state.twice += 1;
  }
  return state;
}

export function epochOf(cursor: string): string {
  return cursor.slice(0, cursor.lastIndexOf('-'));
}

export function positionOf(cursor: string): number {
  return Number(cursor.slice(cursor.lastIndexOf('-') + 1));
}
