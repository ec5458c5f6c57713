import { cpus } from 'node:os';
import { sleep } from '../../../src/core/sleep.ts';

/** From this share on, figures say more of what else runs on the machine than of what is measured. */
export const busyLimit = 0.1;

const sampleMs = 1_000;

/** Share of the time of all cores, over one second in which nothing of ours has to do anything. */
export async function busyShare(): Promise<number> {
  const before = spent();
  await sleep(sampleMs);
  const after = spent();
  const all = after.all - before.all;
  return all === 0 ? 0 : 1 - (after.idle - before.idle) / all;
}

function spent(): { idle: number; all: number } {
  const times = cpus().map((core) => core.times);
  return {
    idle: times.reduce((sum, { idle }) => sum + idle, 0),
    all: times.reduce((sum, { user, nice, sys, irq, idle }) => sum + user + nice + sys + irq + idle, 0),
  };
}
