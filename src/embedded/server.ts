import { spawn } from 'node:child_process';
import { constants, closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { sleep } from '../core/sleep.ts';
import { readPidFile, type Cluster } from './cluster.ts';
import { commandFor } from './launch.ts';
import type { ProvenPlace } from './place.ts';
import { identify, isRunning, type ProcessIdentity } from './process-table.ts';
import { unavailable } from './unavailable.ts';

/** Recovery after a crash reads the WAL again, at most some gigabytes: long before this limit. */
const readyTimeoutMs = 300_000;
const pollMs = 10;

/** What to run, and with which settings. */
export interface ServerSpec {
  readonly place: ProvenPlace;
  readonly cluster: Cluster;
  readonly settings: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export function programOf({ place }: ServerSpec): string {
  return join(place.native, 'bin', 'postgres');
}

export function argumentsOf({ cluster, settings }: ServerSpec, port: number): string[] {
  const all: Record<string, string> = {
    max_connections: '200',
    ...settings,
    listen_addresses: '127.0.0.1',
    // A path of a socket has 107 bytes at most, which a deep folder exceeds.
    unix_socket_directories: '',
    cluster_name: cluster.name,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', cluster.data, '-p', String(port), ...flags];
}

/** In a session of its own: Ctrl-C in the terminal is for us, who then stop the server in order. */
export async function spawnServer(spec: ServerSpec, port: number): Promise<ProcessIdentity> {
  const command = commandFor(spec.place.launch, programOf(spec), argumentsOf(spec, port));
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;
  const log = openSync(spec.logFile, flags, 0o600);
  try {
    const child = spawn(command.file, command.args, {
      ...command.options,
      detached: true,
      stdio: ['ignore', log, log],
    });
    await once(child, 'spawn');
    child.unref();
    const process = child.pid === undefined ? undefined : identify(child.pid);
    if (!process) throw unavailable('the server ended at once', await lastWords(spec));
    return process;
  } finally {
    closeSync(log);
  }
}

/** Waits until the server lets clients in. @throws when it ends before, with its last words. */
export async function untilReady(spec: ServerSpec, postmaster: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  for (;;) {
    const file = await readPidFile(spec.cluster);
    if (file?.pid === postmaster.pid && file.status === 'ready') return;
    if (!isRunning(postmaster)) throw unavailable('the server ended while starting', await lastWords(spec));
    if (performance.now() > deadline) {
      throw unavailable(`the server was not ready in ${readyTimeoutMs / 1000} s`, await lastWords(spec));
    }
    await sleep(pollMs);
  }
}

async function lastWords({ logFile }: ServerSpec): Promise<string> {
  const lines = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-10);
  return `The end of ${logFile}:\n${lines.join('\n')}\n`;
}
