import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Releasers } from '../../../src/core/service.ts';
import { ask } from './postgres.ts';
import type { Outcome } from './results.ts';
import type { Bench, Measurement, Row, Size, Variant } from './row.ts';

export interface Setting extends Pick<Bench, 'size' | 'cores' | 'progress'> {
  /** Where databases are made: as a role that may. */
  postgresUrl: string;
  /** Ends the measurement, and all that it started; it then throws. */
  signal: AbortSignal;
}

/** Beyond it a measurement hangs: what it started is ended, and the run goes on. */
const limitSeconds: Record<Size, number> = { smoke: 45, short: 120, full: 3_600 };
const endingLimitMs = 15_000;

/** Measures once. What it started is gone afterwards; what goes wrong is in the outcome. @throws when it is aborted. */
export async function measure(
  { metrics }: Pick<Row, 'metrics'>,
  variant: Variant,
  setting: Setting,
): Promise<Outcome> {
  setting.signal.throwIfAborted();
  const releasers = new Releasers();
  const limit = AbortSignal.timeout(limitSeconds[setting.size] * 1_000);
  const end = AbortSignal.any([setting.signal, limit]);
  const measuring = Promise.resolve().then(() => variant.measure(benchOf(setting, releasers)));
  const outcome = await Promise.race([measuring, rejectionOf(end)]).then(
    (measurement) => check(measurement, Object.keys(metrics)),
    (error: unknown) => ({
      failed: limit.aborted ? `took over ${limitSeconds[setting.size]} s` : saying(error),
    }),
  );
  const unclean = await release(releasers, measuring);
  setting.signal.throwIfAborted();
  if (unclean === undefined || 'failed' in outcome) return outcome;
  return { ...outcome, note: [outcome.note, unclean].filter(Boolean).join('; ') };
}

function benchOf({ size, cores, progress, postgresUrl }: Setting, releasers: Releasers): Bench {
  return {
    size,
    cores,
    progress,
    releasers,
    database: async (label) => {
      const name = `bench_${label.toLowerCase().replaceAll(/\W+/g, '_').slice(0, 40)}_${randomBytes(4).toString('hex')}`;
      await ask(postgresUrl, `create database ${name}`);
      releasers.add(() => ask(postgresUrl, `drop database ${name} with (force)`));
      return Object.assign(new URL(postgresUrl), { pathname: `/${name}` }).href;
    },
    folder: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'commitcast-bench-'));
      releasers.add(() => rm(folder, { recursive: true, force: true }));
      return folder;
    },
  };
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** A figure that is none would vanish from the tables without a word. */
function check(measurement: Measurement, metrics: readonly string[]): Outcome {
  const { missed, doubled, disordered, values } = measurement;
  const unknown = Object.keys(values).filter((name) => !metrics.includes(name));
  if (unknown.length > 0)
    return { failed: `it has values that the row does not know: ${unknown.join(', ')}` };
  const all = Object.entries({ ...values, missed, doubled, disordered });
  const wrong = all
    .filter(([, value]) => !Number.isFinite(value))
    .map(([name, value]) => `${name} is ${value}`);
  if (wrong.length > 0) return { failed: wrong.join(', ') };
  return Object.keys(values).length > 0 ? measurement : { failed: 'it has no values' };
}

/** Twice: a measurement that was given up may be starting something at this very moment. */
async function release(releasers: Releasers, measuring: Promise<unknown>): Promise<string | undefined> {
  const unclean = await releasers.release().then(() => undefined, saying);
  const patience = new AbortController();
  await Promise.race([
    measuring.catch(() => undefined),
    wait(endingLimitMs, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
  return (await releasers.release().then(() => undefined, saying)) ?? unclean;
}

/** In one line that may be published: without stacks, and paths of this machine. */
function saying(error: unknown): string {
  const errors = error instanceof AggregateError ? [error, ...error.errors] : [error];
  const lines = errors.map((each) => (each instanceof Error ? each.message : String(each)).split('\n', 1)[0]);
  return lines.join(': ').replaceAll(`${process.cwd()}/`, '');
}
