import type { Executor } from '../db/executor.ts';
import { awaitCaughtUp } from './consumers-progress.ts';

/** As a shell counts a command that a signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** Shows how far a consumer is until it has caught up. Who interrupts that ends the show, and not the work. */
export async function followConsumer(db: Executor, name: string, after?: number): Promise<void> {
  const interrupt = new AbortController();
  const signals = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  const listener = (by: keyof typeof exitCodes) => {
    process.exitCode = exitCodes[by];
    interrupt.abort();
  };
  // Once: a second one ends a command that waits for an answer.
  for (const each of signals) process.once(each, listener);
  try {
    const { signal } = interrupt;
    const begun = after === undefined ? {} : { after };
    const done = await awaitCaughtUp({ db, name, ...begun, signal, stream: process.stderr });
    if (!done)
      process.stderr.write(
        `${name} goes on without this command. How far it is: commitcast consumers list\n`,
      );
  } finally {
    for (const each of signals) process.off(each, listener);
  }
}
