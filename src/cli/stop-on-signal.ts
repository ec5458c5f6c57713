import type { Releasers } from '../core/service.ts';

/** A stop that takes longer is cut off. */
const stopLimitMs = 10_000;

/**
 * SIGINT and SIGTERM stop in order and exit 0; a second one, or a stop that hangs, ends at once. Returns the stop, for a
 * start that fails.
 */
export function stopOnSignal(releasers: Releasers): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= releasers.release());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      setTimeout(() => process.exit(1), stopLimitMs).unref();
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`It did not stop cleanly: ${String(error)}\n`);
          process.exit(1);
        },
      );
    });
  }
  return stop;
}
