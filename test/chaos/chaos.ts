import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { Releasers } from '../../src/core/service.ts';
import { sleep } from '../../src/core/sleep.ts';
import type { Span } from '../support/history-checker.ts';
import { until } from '../support/until.ts';
import { countAfter, everybodyGone, type LeftoversFound } from './at-rest.ts';
import { countConsumers, type ConsumerCounts } from './consumer-counts.ts';
import { consumerFaults } from './consumer-faults.ts';
import { Crowd } from './crowd.ts';
import { databaseFaults } from './database-faults.ts';
import { endConsumers } from './end-consumers.ts';
import { endOfStream, readCase } from './evidence.ts';
import type { FaultKind, World } from './faults.ts';
import { ChaosInstance } from './instance.ts';
import { instanceFaults } from './instance-faults.ts';
import { judge, type Verdict } from './judge.ts';
import { Ledger } from './ledger.ts';
import { countLeftovers, mostAtRest } from './leftovers.ts';
import { startLoad, type LoadCounts } from './load.ts';
import type { ChaosOptions } from './options.ts';
import { startChaosPostgres } from './postgres.ts';
import { Pulses, type Pulse } from './pulses.ts';
import { startRedis } from './redis.ts';
import { drawFaults, type FaultRecord } from './schedule.ts';
import { startStreamLoad, type StreamCounts } from './stream-load.ts';
import { trafficFaults } from './traffic-faults.ts';
import { createRandom } from '../support/random.ts';

const instanceCount = 3;
const completeMs = 60_000;

const allFaults: readonly FaultKind[] = [
  ...instanceFaults,
  ...databaseFaults,
  ...consumerFaults,
  ...trafficFaults,
];

/** All that a run found out. */
export interface ChaosResult {
  faults: FaultRecord[];
  kinds: readonly FaultKind[];
  verdict: Verdict;
  load: LoadCounts;
  streams: Omit<StreamCounts, 'problems'>;
  consumers: ConsumerCounts[];
  crowd: Crowd['counts'];
  disturbed: Record<string, number>;
  /** Times are from the run's start. */
  pulses: Pulse[];
  skippedPulses: number;
  leftovers: LeftoversFound;
  /** What went wrong with the run itself. */
  problems: string[];
  durationMs: number;
}

/** One run, from an empty database to the verdict. Everything that it started has ended when it resolves or rejects. */
export async function runChaos(options: ChaosOptions, folder: string): Promise<ChaosResult> {
  const releasers = new Releasers();
  try {
    return await run(options, folder, releasers);
  } finally {
    await releasers.release();
  }
}

async function run(options: ChaosOptions, folder: string, releasers: Releasers): Promise<ChaosResult> {
  const { print } = options;
  const random = createRandom(options.seed);
  const { faults: wanted } = options;
  const unknown = wanted?.filter((name) => !allFaults.some((kind) => kind.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`no fault is called ${unknown.join(', ')}`);
  const postgres = await startChaosPostgres();
  releasers.add(() => postgres.stop());
  const redis = options.adapter === 'redis' ? await startRedis() : undefined;
  releasers.add(() => redis?.stop());

  const starting = Array.from({ length: instanceCount }, (_, index) =>
    ChaosInstance.start({
      name: 'abc'[index] ?? String(index),
      index,
      databaseUrl: postgres.url,
      adapter: options.adapter,
      redisUrl: redis?.url,
      continuity: options.continuity,
      atomic: options.atomic,
      seed: random.below(2 ** 32),
      log: join(folder, `instance-${'abc'[index]}.log`),
    }),
  );
  for (const each of starting) releasers.add(async () => (await each.catch(() => undefined))?.stop());
  const instances = await Promise.all(starting);
  print(`three instances over ${options.adapter}: ${instances.map(({ url }) => url).join(' ')}`);

  const ledger = new Ledger();
  const spans = new Map<string, Span>();
  const problems: string[] = [];
  const idle = () => countLeftovers(instances, postgres);
  await warmUp(instances);
  await until(() => instances.filter(({ leading }) => leading).length === 1, { message: 'one leader' });
  await everybodyGone(idle, redis ? 2 * instanceCount : 0);
  const before = await mostAtRest(idle);

  const stopping = new AbortController();
  releasers.add(() => {
    stopping.abort();
  });
  const crowd = new Crowd(instances, ledger, random.fork());
  const pulses = new Pulses(instances, ledger);
  releasers.add(async () => {
    stopping.abort();
    await crowd.stop().catch(() => undefined);
    await pulses.stop();
    for (const client of [...crowd.clients, ...pulses.clients]) client.leave();
  });
  const zero = performance.now();
  await pulses.start(postgres.url, random.fork(), spans);
  crowd.start(options.clients);
  await Promise.all(pulses.clients.map((client) => client.settled(completeMs)));
  const { signal } = stopping;
  const load = startLoad({ ...options, url: postgres.url, random: random.fork(), spans, signal });
  const streams = startStreamLoad({ url: postgres.url, random: random.fork(), spans, signal });
  const written = Promise.all([load.finished, streams.finished]);

  const over = new AbortController();
  void sleep(options.seconds * 1_000, options.signal).then(() => {
    over.abort();
  });
  setMaxListeners(0, over.signal, signal);
  const world: World = { instances, postgres, crowd, signal: over.signal };
  const hasSessions = options.adapter === 'postgres';
  const kinds = allFaults.filter(
    ({ name }) => (wanted?.includes(name) ?? true) && (hasSessions || !name.includes('-adapter-')),
  );
  const draw = random.fork();
  const { overlap, rounds } = options;
  const faults = await Promise.race([
    drawFaults({ world, kinds, pulses, random: draw, zero, overlap, rounds, print }),
    written.then(() => new Promise<never>(() => undefined)),
  ]);

  print('faults are over: the writers stop, and everybody comes back');
  stopping.abort();
  await written;
  await pulses.stop();
  await crowd.settle();
  const present = new Set([...crowd.present, ...pulses.clients]);
  const last = await endOfStream(postgres);
  const behind = () =>
    [...present].filter((one) => one.farewell === undefined && one.end < (last.get(one.org) ?? 0));
  await until(() => behind().length === 0, {
    timeoutMs: completeMs,
    message: 'all clients to have all',
  }).catch(() => {
    problems.push(`${behind().length} clients did not get the last event in ${completeMs / 1_000} s`);
  });
  problems.push(...(await endConsumers(postgres, options.continuity ? 'whole' : 'broken')));
  const clients = [...crowd.clients, ...pulses.clients];
  const verdict = judge({ ...(await readCase(postgres)), spans, clients, present, ledger });

  const consumers = await countConsumers(postgres, instances);

  for (const client of clients) client.leave();
  const leftovers = await countAfter(before, idle, redis ? 2 * instanceCount : 0);
  const disturbed = sumOf(instances.flatMap((instance) => instance.disturbed));
  return {
    faults,
    kinds,
    verdict,
    load: load.counts,
    streams: streams.counts,
    consumers,
    crowd: crowd.counts,
    disturbed,
    pulses: pulses.pulses.map((pulse) => fromZero(pulse, zero)),
    skippedPulses: pulses.skipped,
    leftovers,
    problems: [
      ...problems,
      ...streams.counts.problems,
      ...instances.flatMap(({ deaths }) => deaths),
      ...faults.flatMap(({ kind, problem }) => (problem ? [`${kind}: ${problem}`] : [])),
    ],
    durationMs: performance.now() - zero,
  };
}

/** Every way in is taken once, so that what is made at first use is there when it is counted. */
async function warmUp(instances: readonly ChaosInstance[]): Promise<void> {
  const ledger = new Ledger();
  for (const instance of instances) {
    const crowd = new Crowd([instance], ledger, createRandom(1));
    crowd.start(12);
    await until(() => crowd.clients.length === 12 && crowd.clients.every(({ live }) => live), {
      message: 'the first clients to be live',
    });
    await crowd.settle();
    crowd.leave();
  }
}

function fromZero({ began, committed, arrived }: Pulse, zero: number): Pulse {
  const shift = (time: number | undefined) => (time === undefined ? undefined : time - zero);
  return { began: began - zero, committed: shift(committed), arrived: Array.from(arrived, shift) };
}

function sumOf(counts: readonly Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of counts.flatMap(Object.entries)) sum[name] = (sum[name] ?? 0) + Number(count);
  return sum;
}
