import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { secret } from './tokens.ts';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const script = join(import.meta.dirname, '..', 'model', 'server-process.ts');

export interface ServerProcess {
  readonly port: number;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGSTOP: it keeps its connections and does nothing, until it is thawed. */
  freeze(): void;
  thaw(): void;
}

/** Resolves when the server listens. It ends with the test. */
export async function startServerProcess(databaseUrl: string, port = 0): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--import', tsx, script, databaseUrl, String(port), secret], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGCONT');
    child.stdin.end();
    await exited;
  });
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (done) throw new Error('the server ended before it listened');
  return {
    port: (JSON.parse(value) as { port: number }).port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
