import type { Unit } from './unit.ts';
import { epochOf, positionOf, type UnitsState } from './units-state.ts';

/** The part of `sessionStorage` that is used. */
export interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** A state, and the cursor that it stands for: all events of the org up to there are in it. */
export interface Saved {
  readonly cursor: string;
  readonly state: UnitsState;
}

type Form = Saved & { readonly state: { readonly units: readonly Unit[] } };

/** What this tab has shown: a reload begins with it, so nothing goes back while the read model is behind. */
export function readSaved(storage: Storage, org: string): Saved | undefined {
  try {
    const { cursor, state } = JSON.parse(storage.getItem(keyOf(org)) ?? '') as Form;
    return { cursor, state: { ...state, units: new Map(state.units.map((unit) => [unit.id, unit])) } };
  } catch {
    // None, or of another version.
    return undefined;
  }
}

export function save(storage: Storage, org: string, { cursor, state }: Saved): void {
  const form = { cursor, state: { ...state, units: [...state.units.values()] } };
  try {
    storage.setItem(keyOf(org), JSON.stringify(form));
  } catch {
    // Full: the older state stays, with the older cursor that belongs to it.
  }
}

/**
 * The cursor of a state that is followed. While the session is live the state has everything up to the session's cursor,
 * which may be beyond the last event of the org. Otherwise it may be replaying to this page what others had: then only
 * the last event is certain.
 */
export function cursorOf(state: UnitsState, session: string | undefined, isLive: boolean): string {
  const { epoch, position } = state;
  const settled = isLive && session !== undefined && epochOf(session) === epoch ? positionOf(session) : 0;
  return `${epoch}-${Math.max(position, settled)}`;
}

function keyOf(org: string): string {
  return `commitcast:units:${org}`;
}
