import { listConsumers, type ConsumerPartition } from '../../src/consumer/list-consumers.ts';
import { askParked, resumeConsumer } from '../../src/consumer/operate.ts';
import { sleep } from '../../src/core/sleep.ts';
import { executorOfChaos, mend } from './consumer-faults.ts';
import { consumerSpecs } from './consumer-specs.ts';
import type { ChaosPostgres } from './postgres.ts';

/** What consumers need at most, and what they are given where what they rest on was broken on purpose. */
const patienceMs = { whole: 120_000, broken: 5_000 };
const pauseMs = 250;

/**
 * Faults are over, and nothing is written any more: what was poisoned is mended, what is parked is retried, and every
 * consumer comes to the end of the log. Resolves with what stands where, of those that do not.
 */
export async function endConsumers(
  postgres: ChaosPostgres,
  patience: keyof typeof patienceMs,
): Promise<string[]> {
  const timeoutMs = patienceMs[patience];
  const db = executorOfChaos(postgres);
  await mend(postgres, Number.MAX_SAFE_INTEGER);
  for (const { name } of consumerSpecs) await resumeConsumer(db, name);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    // A handler that fails now and then does so with what is parked, too: it is asked for again.
    for (const { name, fails } of consumerSpecs) if (fails) await askParked(db, name, 'retry', { all: true });
    const standing = (await listConsumers(db)).filter(
      ({ lagPositions, parked, rebuildAsked }) => lagPositions > 0 || parked > 0 || rebuildAsked,
    );
    if (standing.length === 0) return [];
    if (performance.now() > deadline)
      return standing.map((one) => `${describe(one)}; waited ${timeoutMs / 1_000} s`);
    await sleep(pauseMs);
  }
}

function describe(partition: ConsumerPartition): string {
  const { name, position, head, parked, attempts, failed, error, worker, alive, rebuildAsked } = partition;
  return [
    `consumer ${name}, partition ${partition.partition}, is at ${position} of ${head}`,
    `${parked} parked`,
    `attempts ${attempts}`,
    worker === null ? 'without a worker' : `with a worker that is ${alive ? 'alive' : 'dead'}`,
    ...(rebuildAsked ? ['a rebuild was asked for'] : []),
    ...(failed ? ['failed'] : []),
    ...(error === null ? [] : [error.replaceAll('\n', ' ')]),
  ].join('; ');
}
