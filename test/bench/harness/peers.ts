import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The programs of others, with packages of their own that the product never sees. */
export const peersFolder = fileURLToPath(new URL('../peers', import.meta.url));

interface Manifest {
  version?: string;
  dependencies?: Record<string, string>;
}

const installLimitMs = 300_000;

/** Installs the peers that are not there in the version wanted. Why that failed, if it did: the run goes on without them. */
export async function installPeers(say: (text: string) => void): Promise<string | undefined> {
  const missing = await missingPeers();
  if (missing.length === 0) return undefined;
  say(`installing ${missing.join(', ')} in test/bench/peers`);
  const locked = existsSync(join(peersFolder, 'package-lock.json'));
  const options = { cwd: peersFolder, timeout: installLimitMs, maxBuffer: 64 * 1024 * 1024 };
  try {
    await promisify(execFile)('npm', [locked ? 'ci' : 'install', '--no-audit', '--no-fund'], options);
    return undefined;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    const reason = stderr?.split('\n').find((line) => /npm (?:error|ERR!)/.test(line));
    return `${missing.join(', ')} cannot be installed: ${reason ?? (error as Error).message.split('\n', 1)[0]}`;
  }
}

async function missingPeers(): Promise<string[]> {
  const { dependencies } = await manifestOf(peersFolder);
  const names = Object.entries(dependencies ?? {});
  const found = await Promise.all(
    names.map(async ([name, version]) => {
      const installed = await manifestOf(join(peersFolder, 'node_modules', name)).catch(() => undefined);
      return installed?.version === version;
    }),
  );
  return names.filter((_, index) => !found[index]).map(([name]) => name);
}

async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}
