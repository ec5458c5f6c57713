import { readdir, readFile } from 'node:fs/promises';

/** CPU time of a process so far, in microseconds: of all threads it has now, finer than the ticks of `cpuSeconds`. */
export async function cpuUs(pid: number): Promise<number> {
  let ns = 0;
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const text = await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8').catch(() => '0');
    ns += Number(text.split(' ')[0]);
  }
  return ns / 1_000;
}
