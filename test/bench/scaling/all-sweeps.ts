import { instances } from './instances.ts';
import { logSize } from './log-size.ts';
import { rooms } from './rooms.ts';
import { sockets } from './sockets.ts';
import type { Sweep } from './sweep.ts';
import { writers } from './writers.ts';

/** In the order of the page. */
export const allSweeps: readonly Sweep[] = [writers, sockets, rooms, instances, logSize];

/** @throws with the names that there are. */
export function sweepsNamed(names: readonly string[] | undefined): Sweep[] {
  const unknown = names?.filter((name) => !allSweeps.some((sweep) => sweep.name === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(
      `There is no sweep ${unknown.join(', ')}, but ${allSweeps.map(({ name }) => name).join(', ')}`,
    );
  return allSweeps.filter(({ name }) => names?.includes(name) ?? true);
}
