import { runClosedLoop, type Throughput } from './closed-loop.ts';
import type { Scene } from './scene.ts';
import { intoOutbox, intoPlain, randomUnit, type Prepared } from './tables.ts';

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export interface WriteTax {
  writers: number;
  /** Transactions a second. */
  plain: Spread;
  outbox: Spread;
  /** Of the plain insert's transactions; each within a round. */
  ratio: Spread;
  clientBusy: number;
}

/** Pairs of both ways, each the other way round than the one before: a machine that drifts favours neither. */
const rounds = 4;
/** Until every session has its plans; not counted. */
const warmUpSeconds = 0.1;

/** One UPDATE and one INSERT: into the outbox, and into a table like the log. A relay reads along. */
export async function measureWriteTax(scene: Scene, writers: number): Promise<WriteTax> {
  const clients = await scene.clients(writers);
  const { signal } = scene;
  const run = (way: Prepared, seconds: number): Promise<Throughput> =>
    runClosedLoop({
      clients,
      seconds,
      signal,
      transact: (client) => client.query({ ...way, values: [randomUnit(), null] }),
    });
  const pairs: { plain: Throughput; outbox: Throughput }[] = [];
  for (const way of [intoPlain, intoOutbox]) await run(way, warmUpSeconds);
  for (let round = 0; round < rounds; round++) {
    const seconds = scene.seconds / rounds;
    if (round % 2 === 0) {
      const plain = await run(intoPlain, seconds);
      pairs.push({ plain, outbox: await run(intoOutbox, seconds) });
    } else {
      const outbox = await run(intoOutbox, seconds);
      pairs.push({ plain: await run(intoPlain, seconds), outbox });
    }
    // Untimed, so that neither way pays for it, and what is left to read stays little.
    await scene.follower.readAll();
  }
  return {
    writers,
    plain: spreadOf(pairs.map(({ plain }) => plain.perSecond)),
    outbox: spreadOf(pairs.map(({ outbox }) => outbox.perSecond)),
    ratio: spreadOf(pairs.map(({ plain, outbox }) => outbox.perSecond / plain.perSecond)),
    clientBusy: Math.max(...pairs.flatMap((pair) => [pair.plain.clientBusy, pair.outbox.clientBusy])),
  };
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}
