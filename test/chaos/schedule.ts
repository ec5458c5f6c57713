import { sleep } from '../../src/core/sleep.ts';
import type { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import type { Done, FaultKind, World } from './faults.ts';
import type { ChaosInstance } from './instance.ts';
import type { Pulses } from './pulses.ts';

/** One fault of the run. Times in milliseconds, from the run's start. */
export interface FaultRecord {
  kind: string;
  note: string;
  at: number;
  until: number;
  /** Until the next event that was committed after the fault had reached the clients of each watched instance. */
  recoveryMs: number | undefined;
  /** The same from when the fault was ended, for the instance that had it: it was restarted, or thawed. */
  returnMs: number | undefined;
  /** Another fault was going on: its times say nothing of this kind alone. */
  overlapped: boolean;
  problem: string | undefined;
}

export interface ScheduleOptions {
  world: World;
  kinds: readonly FaultKind[];
  pulses: Pulses;
  random: Random;
  /** `performance.now()` at the run's start. */
  zero: number;
  overlap: number;
  rounds: number;
  print: (line: string) => void;
}

const recoveryTimeoutMs = 60_000;
const maxActive = 3;

/** Draws one fault after another, each kind once before any comes again, until the rounds or the time are over. */
export async function drawFaults(options: ScheduleOptions): Promise<FaultRecord[]> {
  const { world, kinds, random, overlap, rounds, zero } = options;
  const { signal } = world;
  const records: FaultRecord[] = [];
  const active = new Map<Promise<void>, FaultRecord>();
  let bag: FaultKind[] = [];
  let round = 0;

  while (!signal.aborted) {
    if (bag.length === 0) {
      if (round++ === rounds) break;
      bag = shuffled(kinds, random);
    }
    const kind = bag.shift();
    if (!kind) break;
    const record: FaultRecord = {
      kind: kind.name,
      note: '',
      at: performance.now() - zero,
      until: Infinity,
      recoveryMs: undefined,
      returnMs: undefined,
      overlapped: active.size > 0,
      problem: undefined,
    };
    const done = await kind.inject(world, random).catch((error: unknown) => {
      record.problem = `could not be done: ${String(error)}`;
      return undefined;
    });
    if (!done && record.problem === undefined) {
      // Not at this moment: perhaps later in this round, when what goes on is over.
      if (active.size > 0) bag.push(kind);
      await sleep(50, signal);
      continue;
    }
    records.push(record);
    for (const other of active.values()) other.overlapped = true;
    const run = follow(record, done, options).finally(() => active.delete(run));
    active.set(run, record);
    if (active.size < maxActive && random.chance(overlap))
      await Promise.race([run, sleep(200 + random.below(800), signal)]);
    else if (active.size >= maxActive && overlap > 0) await Promise.race(active.keys());
    else await Promise.all(active.keys());
    await sleep(100 + random.below(400), signal);
  }
  await Promise.all(active.keys());
  return records;
}

async function follow(
  record: FaultRecord,
  done: Done | undefined,
  { pulses, zero, print }: ScheduleOptions,
): Promise<void> {
  const recovered = async (since: number, watch: readonly ChaosInstance[]): Promise<number> => {
    const times = () => watch.map(({ index }) => pulses.recovery(since, index) ?? Infinity);
    const worst = () => Math.max(0, ...times());
    await until(() => worst() < Infinity, { timeoutMs: recoveryTimeoutMs, message: 'the next event' });
    return worst();
  };
  try {
    if (done) {
      record.note = done.note ?? '';
      // What is to end the fault ends it also when nobody has recovered.
      const outcome = await recovered(done.since, done.watch).catch(String);
      if (typeof outcome === 'number') record.recoveryMs = outcome;
      else record.problem = outcome;
      const healed = await done.heal?.();
      if (healed) record.returnMs = await recovered(healed.since, healed.watch);
    }
  } catch (error) {
    record.problem = String(error);
  }
  record.until = performance.now() - zero;
  const times = [record.recoveryMs, record.returnMs].filter((ms) => ms !== undefined);
  print(
    `${(record.at / 1_000).toFixed(1).padStart(7)} s  ${record.kind}${record.note && ` (${record.note})`}: ` +
      (record.problem ?? times.map((ms) => `${Math.round(ms)} ms`).join(', then ')),
  );
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const rest = [...items];
  const order: Item[] = [];
  while (rest.length > 0) order.push(...rest.splice(random.below(rest.length), 1));
  return order;
}
