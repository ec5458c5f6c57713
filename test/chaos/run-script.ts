import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** Runs `npm run chaos` with these arguments to its end; it ends with the test. */
export function runScript(args: string[]): Promise<{ code: number; output: string }> {
  const script = join(import.meta.dirname, 'run.ts');
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import', tsx, script, ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
    onTestFinished(() => void child.kill('SIGKILL'));
  });
}

/** Removed when the test has ended. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-chaos-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
