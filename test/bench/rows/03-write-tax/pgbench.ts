import { execFile } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Bench } from '../../harness/row.ts';

const run = promisify(execFile);

/** Connections are made and statements are planned for the first time, which servers do once and not for each transaction. */
const warmUpSeconds = 2;

/** Debian puts it beside the server; the newest one speaks to all versions. */
const folders = ['/usr/bin', ...[18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`)];

/** Its path; `undefined`: there is none. */
export async function findPgbench(): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, 'pgbench');
    try {
      await access(path);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

export interface PgbenchOptions {
  databaseUrl: string;
  clients: number;
  script: string;
  /** Transactions are those of each client; seconds begin after a warm-up. */
  length: { seconds: number } | { transactions: number };
}

export interface Pgbench {
  /** Transactions a second, from when all are connected. */
  tps: number;
  /** Transactions that were committed. */
  processed: number;
}

/** Runs the script on the core of the load; each client begins its next transaction when the one before has ended. */
export async function runPgbench(
  bench: Bench,
  { databaseUrl, clients, script, length }: PgbenchOptions,
): Promise<Pgbench> {
  const pgbench = await findPgbench();
  if (pgbench === undefined) throw new Error('pgbench is missing');
  const file = join(await bench.folder(), 'transaction.sql');
  await writeFile(file, script);
  const command = [
    pgbench,
    '--no-vacuum',
    '--protocol=prepared',
    `--client=${clients}`,
    '--jobs=1',
    ...('seconds' in length
      ? [`--time=${warmUpSeconds + length.seconds}`, '--progress=1']
      : [`--transactions=${length.transactions}`]),
    `--file=${file}`,
    databaseUrl,
  ];
  const { load } = bench.cores;
  const [program = '', ...args] = load === undefined ? command : ['taskset', '-c', String(load), ...command];
  const cut = new AbortController();
  bench.releasers.add(() => cut.abort());
  const { stdout, stderr } = await run(program, args, { signal: cut.signal });
  const failed = numberIn(stdout, /number of failed transactions: (\d+)/) ?? 0;
  const tps = 'seconds' in length ? steadyRate(stderr) : numberIn(stdout, /^tps = ([\d.]+)/m);
  const processed = numberIn(stdout, /number of transactions actually processed: (\d+)/);
  if (failed > 0 || tps === undefined || processed === undefined)
    throw new Error(`pgbench says: ${stdout.trim().replaceAll('\n', '; ')}`);
  return { tps, processed };
}

/** The mean of the seconds after the warm-up. */
function steadyRate(progress: string): number | undefined {
  const seconds = [...progress.matchAll(/^progress: [\d.]+ s, ([\d.]+) tps/gm)].slice(warmUpSeconds);
  if (seconds.length === 0) return undefined;
  return seconds.reduce((sum, [, tps]) => sum + Number(tps), 0) / seconds.length;
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
