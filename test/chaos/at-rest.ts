import { globalAgent } from 'node:http';
import { sleep } from '../../src/core/sleep.ts';
import { excess, type ClusterLeftovers } from './leftovers.ts';

const settleMs = 75_000;

export interface LeftoversFound {
  before: ClusterLeftovers;
  after: ClusterLeftovers;
  excess: string[];
}

/** What is more than before; a verdict is worth more than its count, so that this never throws. */
export async function countAfter(
  before: ClusterLeftovers,
  count: () => Promise<ClusterLeftovers>,
  connections: number,
): Promise<LeftoversFound> {
  try {
    await everybodyGone(count, connections);
    const after = await settled(count, (now) => excess(before, now).length === 0);
    return { before, after, excess: excess(before, after) };
  } catch (error) {
    return { before, after: before, excess: [`could not be counted: ${String(error)}`] };
  }
}

/**
 * The instances have heard that all have left; only then is the client side's keep-alive over. So many connections
 * belong to the adapter, and stay.
 */
export async function everybodyGone(
  count: () => Promise<ClusterLeftovers>,
  connections: number,
): Promise<void> {
  await settled(count, (now) => now.sockets === 0);
  globalAgent.destroy();
  await settled(count, (now) => now.connections <= connections);
}

/** Counts until the condition is met, or for some seconds: what was told to close may take a moment. */
async function settled(
  count: () => Promise<ClusterLeftovers>,
  isMet: (now: ClusterLeftovers) => boolean,
): Promise<ClusterLeftovers> {
  const deadline = performance.now() + settleMs;
  for (;;) {
    const now = await count();
    if (isMet(now) || performance.now() > deadline) return now;
    await sleep(250);
  }
}
