import type { Throughput } from './closed-loop.ts';
import type { Drain } from './drain.ts';
import { isCorrect, type Correctness } from './ledger.ts';
import type { ServerFacts } from './measure.ts';
import type { Settling } from './settling.ts';
import type { WriteTax } from './write-tax.ts';

/** Above it, this process is the limit of what was measured. */
const busyShare = 0.9;

/* One line for each figure: whether it is good, and where to look when it is not. */

export function readRoundTrip({ times }: Throughput): string {
  if (times.p50 < 1) return 'good: the server is near';
  if (times.p50 < 5)
    return 'every statement of a transaction pays this: is a proxy, or another zone, between?';
  return 'far: run the application nearer to the database, and look for a pooler or proxy between';
}

export function readCommit(commit: Throughput, roundTrip: Throughput, server: ServerFacts): string {
  if (!server.fsync) return 'fsync is off: a crash loses commits, and these figures flatter';
  const disk = commit.times.p50 - roundTrip.times.p50;
  const share = `${Math.max(disk, 0).toFixed(2)} ms of it in the server`;
  if (disk < 2) return `good: ${share}`;
  if (disk < 10) return `${share}: a network disk, or a standby that commits wait for`;
  return `slow, ${share}: see pg_test_fsync, synchronous_standby_names, and who else writes`;
}

export function readWriteTax(
  { writers, plain, outbox, ratio, clientBusy }: WriteTax,
  { fsync, synchronousCommit }: Pick<ServerFacts, 'fsync' | 'synchronousCommit'>,
): string {
  const timeOf = (perSecond: number) => (writers / perSecond) * 1_000;
  const before = timeOf(plain.median);
  const added = `${(timeOf(outbox.median) - before).toFixed(2)} ms more than ${before.toFixed(2)} ms`;
  if (clientBusy > busyShare) return `${added}, but this process was the limit: run it on another machine`;
  if (!fsync) return `${added}: without a wait for the disk the share is larger than in production`;
  if (synchronousCommit === 'off')
    return `${added}: synchronous_commit is off, and only those with events wait for the disk`;
  if (ratio.median >= 0.8) return `good: ${added}`;
  if (ratio.median >= 0.6) return `${added}: usual where the disk is quick, so that processor time shows`;
  return `${added}: is the processor of the server full? See its load while this runs`;
}

export function readSettling({ committed, settled }: Settling): string {
  const after = settled.p50 - committed.p50;
  if (settled.p99 > 100)
    return 'now and then it stalls: checkpoints, full processors, or slow commits of others';
  if (after < 5) return `good: ${Math.max(after, 0).toFixed(1)} ms after the commit's answer`;
  return `${after.toFixed(1)} ms after the commit's answer: the relay reads by round trips; run it nearer`;
}

export function readDrain({ perSecond }: Drain): string {
  return perSecond >= 20_000
    ? 'good: how fast an instance that was away comes back'
    : 'slow: pages of 1,000 come one after the other; see round trip and network';
}

export function readCorrectness(correctness: Correctness): string {
  return isCorrect(correctness)
    ? 'every one exactly once, in order'
    : 'WRONG: please report this, with --json';
}
