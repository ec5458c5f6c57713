import { readdir, readFile } from 'node:fs/promises';
import type { Client } from 'pg';
import { cpuUs } from '../support/cpu.ts';

const usPerTick = 10_000;

/**
 * CPU time of the Postgres that `db` is connected to, in microseconds so far: the postmaster, its processes, and those
 * of them that have ended. `undefined`: it is not on this machine, or not for us to see.
 */
export async function postgresCpu(db: Client): Promise<(() => Promise<number>) | undefined> {
  const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = rows[0]?.pid;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  // The number may be that of another process here, when Postgres is in a container.
  if (!command.startsWith('postgres:') || db.database === undefined || !command.includes(db.database))
    return undefined;
  const { parent } = await statOf(String(pid));
  return async () => {
    const children = (await processes()).filter((each) => each.parent === parent);
    const times = await Promise.all(children.map((each) => cpuUs(each.pid).catch(() => 0)));
    const { endedTicks } = await statOf(String(parent));
    return times.reduce((sum, us) => sum + us, await cpuUs(parent)) + endedTicks * usPerTick;
  };
}

interface Stat {
  pid: number;
  parent: number;
  /** CPU time of its children that have ended. */
  endedTicks: number;
}

async function processes(): Promise<Stat[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => statOf(pid).catch(() => undefined)));
  return stats.flatMap((stat) => stat ?? []);
}

async function statOf(pid: string): Promise<Stat> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold anything, from the third field on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid: Number(pid), parent: Number(fields[1]), endedTicks: Number(fields[13]) + Number(fields[14]) };
}
