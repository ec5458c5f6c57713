import type { Random } from '../support/random.ts';
import type { Crowd } from './crowd.ts';
import type { ChaosInstance } from './instance.ts';
import type { ChaosPostgres } from './postgres.ts';

/** What faults are done to. */
export interface World {
  instances: readonly ChaosInstance[];
  postgres: ChaosPostgres;
  crowd: Crowd;
  /** Aborts when the run is over: what still lasts ends now. */
  signal: AbortSignal;
}

/** A fault that has been done. */
export interface Done {
  /** From when recovery is counted (`performance.now()`). */
  since: number;
  /** Instances whose clients must get events again. */
  watch: readonly ChaosInstance[];
  /** What was hit, for the record. */
  note?: string;
  /** Ends it; called when the watched ones have recovered. Resolves with those to be watched from then on. */
  heal?: () => Promise<{ since: number; watch: readonly ChaosInstance[] } | undefined>;
}

export interface FaultKind {
  name: string;
  /** Milliseconds until the next event must have come, as the project promises. */
  goalMs?: number;
  /** `undefined`: not possible at this moment; it is tried again later. */
  inject(world: World, random: Random): Promise<Done | undefined>;
}

/** An instance that nothing else is being done to; the leader, or one of the others. */
export function choose(world: World, random: Random, leader: boolean): ChaosInstance | undefined {
  const { instances } = world;
  // With all but one in trouble there would be nobody left to watch.
  if (instances.filter(({ busy }) => busy).length >= instances.length - 1) return undefined;
  const candidates = instances.filter((instance) => !instance.busy && instance.leading === leader);
  return candidates.length > 0 ? random.pick(candidates) : undefined;
}

export function othersThan(world: World, instance: ChaosInstance): ChaosInstance[] {
  return world.instances.filter((other) => other !== instance && !other.busy);
}

export function unharmed(world: World): ChaosInstance[] {
  return world.instances.filter(({ busy }) => !busy);
}
