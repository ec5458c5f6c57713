import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { chooseSeed } from '../support/random.ts';
import { runChaos } from './chaos.ts';
import { drawChart } from './chart.ts';
import type { ChaosOptions } from './options.ts';
import { formatSummary, summarise } from './summary.ts';

it(
  'P1 to P5: whatever befalls instances, database, network and clients, each client has the log of its rooms, once, in order, up to its revocation, and each read model is the fold of the log',
  { timeout: 300_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'commitcast-chaos-test-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const options: ChaosOptions = {
      // Every kind of fault once, as many at a time as the cluster can have; or what there is time for.
      rounds: 1,
      seconds: 60,
      overlap: 1,
      faults: undefined,
      seed: chooseSeed('chaos'),
      clients: 24,
      writers: 16,
      rate: 40,
      adapter: 'postgres',
      continuity: true,
      atomic: true,
      print: () => undefined,
      signal: new AbortController().signal,
    };
    const result = await runChaos(options, folder);
    const summary = summarise(options, result, new Date());
    console.log(formatSummary(summary));
    const { counts, examples, looked, leftovers, problems, kinds, disturbed } = summary;
    expect(counts).toEqual(Object.fromEntries(Object.keys(counts).map((name) => [name, 0])));
    expect(examples).toEqual({});
    expect(problems).toEqual([]);
    expect(leftovers.excess).toEqual([]);
    expect(summary.ok).toBe(true);

    // What was looked at: faults of every family, and a stream that was worth it.
    const done = kinds.filter(({ count }) => count > 0).map(({ kind }) => kind);
    expect(done.length).toBeGreaterThan(kinds.length / 2);
    expect(looked.events).toBeGreaterThan(1_000);
    expect(looked.deliveries).toBeGreaterThan(2_000);
    expect(looked.drops).toBeGreaterThan(10);
    // Three of the consumers are given everything.
    expect(looked.handled).toBeGreaterThan(3 * looked.events);
    expect(looked.versions).toBeGreaterThan(100);
    expect(summary.streams.conflicts).toBeGreaterThan(0);
    if (done.includes('disturbed doorbells')) expect(disturbed['dropped']).toBeGreaterThan(0);
    if (done.includes('revocation')) expect(looked.revoked).toBeGreaterThan(0);
    const chart = drawChart(summary, result);
    for (const kind of done) expect(chart).toContain(`>${kind}</text>`);
  },
);
