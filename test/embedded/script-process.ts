import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

const repository = join(import.meta.dirname, '..', '..');

/** A Node process that runs a script of this folder and reports in lines of JSON. */
export interface ScriptProcess {
  readonly process: ChildProcess;
  /** What it says next. @throws when it ends instead. */
  next<Report>(): Promise<Report>;
  /** Lets it come to its end, for which it waits until its stdin closes. */
  end(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

export interface ScriptOptions {
  /** A command that sets the user and the rights of the process. */
  prefix?: string[];
  /** Where the sources are, when it is not this repository. */
  project?: string;
}

export function startScript(
  name: string,
  directory: string,
  { prefix = [], project = repository }: ScriptOptions = {},
): ScriptProcess {
  const script = join(project, 'test', 'embedded', name);
  const tsx = pathToFileURL(createRequire(join(project, 'package.json')).resolve('tsx')).href;
  const [file, ...args] = [...prefix, process.execPath, '--import', tsx, script, directory];
  // It leads a process group, as it does in a terminal.
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/', detached: true });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const end = async () => {
    child.stdin.end();
    await exited;
  };
  onTestFinished(end);
  return {
    process: child,
    async next<Report>() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${name} ended without a report`);
      return JSON.parse(value) as Report;
    },
    end,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What an owner says once it has started, or failed to. */
export interface OwnerReport {
  url: string;
  adopted: boolean;
  code?: string;
  message?: string;
}

export interface Owner extends ScriptProcess {
  report(): Promise<OwnerReport>;
}

/** A process that owns the server of the folder, and stops it in order when it is let come to its end. */
export function startOwner(directory: string, options?: ScriptOptions): Owner {
  const script = startScript('owner.ts', directory, options);
  return { ...script, report: () => script.next<OwnerReport>() };
}
