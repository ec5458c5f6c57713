import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listProcesses } from './process-table.ts';

/**
 * The server of one data folder, running or not. Its name is made of the identity of the folder on its file system
 * and is given to the server as `cluster_name`, which Postgres shows in the command line of every process it has:
 * the proof that a process is ours. It still holds when the folder was moved, and does not hold for a copy of it.
 */
export interface Cluster {
  readonly data: string;
  readonly name: string;
}

export async function clusterOf(data: string): Promise<Cluster> {
  const { dev, ino } = await stat(data, { bigint: true });
  return { data, name: `commitcast-${dev.toString(16)}-${ino.toString(16)}` };
}

/** Pids of the postmaster and its children; also of children that outlived it. */
export async function processesOf({ name }: Cluster): Promise<number[]> {
  const postmaster = new RegExp(`^\\S.*/postgres -D .*cluster_name=${name}( |$)`, 's');
  const child = `postgres: ${name}: `;
  return (await listProcesses())
    .filter(({ command }) => command.startsWith(child) || postmaster.test(command))
    .map(({ pid }) => pid);
}

/** What the postmaster writes into `postmaster.pid`; it removes the file when it ends by itself. */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
  /** `starting`, `stopping`, `ready`, or empty in the first moments. */
  readonly status: string;
}

export async function readPidFile({ data }: Cluster): Promise<PidFile | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  return pid > 0 ? { pid, port: Number(lines[3]), status: lines[7] ?? '' } : undefined;
}
