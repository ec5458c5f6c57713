import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { hasTaskset } from './cores.ts';
import type { BenchPostgres } from './postgres.ts';
import { spreadOf } from './ratios.ts';
import type { Bench } from './row.ts';

/** Where figures were measured: they mean little without it. */
export interface Machine {
  cores: number;
  model: string;
  memoryGiB: number;
  kernel: string;
  node: string;
  postgres: string;
  /** Settings of Postgres that are not its defaults. */
  settings: Record<string, string>;
  /** Median time to write 8 KiB and have it on disk, where Postgres has its data. */
  fdatasyncUs: number;
  taskset: boolean;
  pinned: boolean;
}

export async function describeMachine(
  postgres: Pick<BenchPostgres, 'version' | 'settings'>,
  folder: string,
  cores: Bench['cores'],
): Promise<Machine> {
  return {
    cores: cpus().length,
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    postgres: postgres.version,
    settings: postgres.settings,
    fdatasyncUs: await measureFdatasync(folder),
    taskset: hasTaskset(),
    pinned: cores.server !== undefined,
  };
}

const writes = 300;

/** What `pg_test_fsync` measures: the same 8 KiB of a file that exists, written and synced again and again. */
async function measureFdatasync(folder: string): Promise<number> {
  const path = join(folder, `fdatasync-${randomBytes(4).toString('hex')}`);
  const page = randomBytes(8_192);
  const file = await open(path, 'w');
  try {
    await file.write(page, 0, page.length, 0);
    await file.sync();
    const times: number[] = [];
    for (let count = 0; count < writes; count++) {
      const began = performance.now();
      await file.write(page, 0, page.length, 0);
      await file.datasync();
      times.push((performance.now() - began) * 1_000);
    }
    return Math.round(spreadOf(times)?.median ?? NaN);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
