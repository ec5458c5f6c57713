import { performance } from 'node:perf_hooks';
import type { Scene } from './scene.ts';
import { writeMany } from './tables.ts';

const events = 20_000;
const eventsPerTransaction = 1_000;

export interface Drain {
  events: number;
  perSecond: number;
}

/** How fast a relay that comes back, and who reads behind it, get through what was committed meanwhile. */
export async function measureDrain({ clients, follower, signal }: Scene): Promise<Drain> {
  const [writer] = await clients(1);
  if (!writer) throw new Error('there is no connection to write with');
  await follower.readAll();
  await follower.stop();
  for (let written = 0; written < events; written += eventsPerTransaction) {
    await writeMany(writer, eventsPerTransaction);
    signal.throwIfAborted();
  }
  await follower.start();
  const began = performance.now();
  const followed = await follower.readAll();
  return { events: followed.length, perSecond: (followed.length / (performance.now() - began)) * 1_000 };
}
