import type { Doorbell } from '../fanout/doorbell.ts';

type Forgery = (real: Doorbell, fraction: () => number) => unknown[];

const far = 1_000_000_000;

/** What somebody may send who can reach the adapter's channel: arguments of the emit. */
const forgeries: readonly Forgery[] = [
  // Another history: plausible, ahead, and with the look of a cursor.
  (real) => [{ ...real, epoch: 'forgedaa' }],
  (real) => [{ epoch: 'forgedbb', from: real.to + far, to: real.to + 2 * far }],
  (real) => [{ ...real, epoch: `${real.epoch}-${real.to}` }],
  // This history, far ahead and far behind; or so little ahead that it might be true.
  (real) => [{ ...real, to: real.to + far }],
  (real) => [{ ...real, from: real.to + far, to: real.to + 2 * far }],
  (real, fraction) => [{ ...real, from: real.to, to: real.to + 1 + Math.floor(fraction() * 100) }],
  (real) => [{ ...real, to: Number.MAX_SAFE_INTEGER }],
  (real, fraction) => [{ ...real, from: 0, to: Math.floor(fraction() * real.to) }],
  (real) => [{ ...real, from: real.to, to: real.from }],
  (real) => [{ ...real, from: -far, to: -1 }],
  // Garbage.
  () => [],
  () => [null],
  () => ['doorbell'],
  (real) => [[real.epoch, real.from, real.to]],
  (real) => [{ ...real, from: String(real.from), to: String(real.to) }],
  (real) => [{ ...real, to: real.to + 0.5 }],
  (real) => [{ ...real, to: 2 ** 60 }],
  (real) => [{ ...real, epoch: { toString: 'x' } }, real],
  () => [{ epoch: 'x'.repeat(2_000), from: 0, to: 1 }],
];

/** Arguments of one forged doorbell, in the likeness of the last real one. */
export function forgeDoorbell(real: Doorbell, fraction: () => number): unknown[] {
  return forgeries[Math.floor(fraction() * forgeries.length)]?.(real, fraction) ?? [];
}
