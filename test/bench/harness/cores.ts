import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Bench } from './row.ts';

/** One core for Postgres and what is measured, another for the load; none where there is only one, or no `taskset`. */
export function planCores(): Bench['cores'] {
  const [server, load] = hasTaskset() ? allowedCores() : [];
  return load === undefined ? { server: undefined, load: undefined } : { server, load };
}

export function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Those of this process: in a container they need not begin at 0. */
function allowedCores(): number[] {
  const list = /Cpus_allowed_list:\s+(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((part) => {
    const [first = NaN, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
