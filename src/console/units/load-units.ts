import { sleep } from '../../core/sleep.ts';
import type { Saved } from './saved-units.ts';
import { epochOf, positionOf, stateOfModel, type Model, type UnitsState } from './units-state.ts';

/** A read model that is further behind is being rebuilt. */
export const maxBehind = 500;
/** Events that a session is made to repeat, at most, to go on from what the tab has kept. */
const maxRepeated = 10_000;
/** A read model that is behind for a moment is waited for. */
const patientTries = 6;
const firstPauseMs = 100;
const maxPauseMs = 1_000;

export interface LoadUnitsOptions {
  /** Asks the server for the read model once. `undefined`: it could not be asked, or will know better soon. */
  ask: (after: string | undefined) => Promise<Model | undefined>;
  /** Where the session is: what follows comes by the socket. */
  after: string | undefined;
  /** What the tab has shown before, if it may go on from there. */
  saved: Saved | undefined;
  signal: AbortSignal;
}

/**
 * The units and their cursor. The read model is behind the log by some milliseconds, and by much more while it is rebuilt
 * or paused; what the page has seen must not go back. So it is asked for a state at or after the session's cursor, until
 * there is one. If that takes long, what the tab has kept does as well; or the read model where it is, when that is near:
 * the session then repeats what follows it, and state and events fit all the same.
 */
export async function loadUnits({ ask, after, saved, signal }: LoadUnitsOptions): Promise<Saved> {
  let pauseMs = firstPauseMs;
  for (let tries = 1; !signal.aborted; tries++) {
    const model = await ask(after);
    if (model?.reached) return savedOf(model);
    const isLate = tries >= patientTries;
    if (model && (isLate || isRebuilding(model))) {
      if (saved && isNear(saved.cursor, model, maxRepeated)) return saved;
      if (isLate && isNear(model.cursor, model, maxBehind) && !saved) return savedOf(model);
    }
    await sleep(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 1.5, maxPauseMs);
  }
  throw new Error('Nobody wants the units any more');
}

export function isRebuilding({ position, head }: Pick<Model, 'position' | 'head'>): boolean {
  return head - position > maxBehind;
}

function savedOf(model: Model): { cursor: string; state: UnitsState } {
  return { cursor: model.cursor, state: stateOfModel(model) };
}

function isNear(cursor: string, { cursor: other, head }: Model, most: number): boolean {
  return epochOf(cursor) === epochOf(other) && head - positionOf(cursor) <= most;
}
