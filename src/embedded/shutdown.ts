import { sleep } from '../core/sleep.ts';
import { processesOf, type Cluster } from './cluster.ts';
import { isRunning, type ProcessIdentity } from './process-table.ts';

/** Milliseconds that a server has for a shutdown in order (a checkpoint on a slow disk takes a while). */
const orderlyMs = 60_000;
const pollMs = 10;

/**
 * Fast shutdown; when that takes too long the immediate one, after which the next start recovers from the WAL; at
 * last SIGKILL. Returns when no process of the cluster is left.
 */
export async function stopServer(
  cluster: Cluster,
  postmaster: ProcessIdentity,
  { patienceMs = orderlyMs }: { patienceMs?: number } = {},
): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (send(postmaster, signal) && (await gone(postmaster, patienceMs))) break;
  }
  await killServer(cluster, postmaster);
}

/** Ends it as a crash does: at once, nothing written. Returns when no process of the cluster is left. */
export async function killServer(cluster: Cluster, postmaster?: ProcessIdentity): Promise<void> {
  // A stopped postmaster starts no more children while they are listed.
  if (postmaster) send(postmaster, 'SIGSTOP');
  for (;;) {
    const pids = await processesOf(cluster);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid, 'SIGKILL');
    await sleep(pollMs);
  }
}

function send(postmaster: ProcessIdentity, signal: NodeJS.Signals): boolean {
  return isRunning(postmaster) && kill(postmaster.pid, signal);
}

/** `false`: it has ended already. */
function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function gone(process: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isRunning(process)) {
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}
