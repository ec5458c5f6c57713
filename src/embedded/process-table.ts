import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const hasProc = existsSync('/proc/self/stat');

/** A process that cannot be taken for another one that got the same pid later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot and start time of the process where the system tells them, else an empty text. */
  readonly mark: string;
}

/** The identity of a running process, `undefined` when there is none of that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!hasProc) return answersSignals(pid) ? { pid, mark: '' } : undefined;
  const fields = statFields(pid);
  // A zombie is dead: in a container without an init nobody may ever collect it.
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  // Field 22 of proc(5) is the start time in ticks since boot; field 3, the state, is the first here.
  return { pid, mark: `${bootId()} ${fields[19]}` };
}

export function isRunning({ pid, mark }: ProcessIdentity): boolean {
  return identify(pid)?.mark === mark;
}

/** Pid and command line of every process that we may see; the words are separated by spaces. */
export async function listProcesses(): Promise<{ pid: number; command: string }[]> {
  if (!hasProc) {
    const { stdout } = await promisify(execFile)('ps', ['-axww', '-o', 'pid=,command='], {
      maxBuffer: 2 ** 26,
    });
    return [...stdout.matchAll(/^\s*(\d+)\s+(.*)$/gm)].map(([, pid, command]) => ({
      pid: Number(pid),
      command: String(command),
    }));
  }
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  return Promise.all(
    pids.map(async (pid) => ({
      pid,
      // It may have ended since it was listed.
      command: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '),
    })),
  );
}

/** The fields of /proc/<pid>/stat after the command's name, which may itself contain spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
