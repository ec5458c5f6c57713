/* A durable consumer without `db`, whose handler counts. */
import type { CommitcastEvent } from '../../../../src/core/event.ts';
import { consume } from '../../../../src/http/worker.ts';
import { until } from '../../../support/until.ts';
import { answer } from '../../support/answer.ts';
import type { Backlog } from '../04-drain.ts';
import { drained, Tally, type Drained } from '../../support/tally.ts';

answer({
  drain: async ({ databaseUrl, events, batch }: Backlog): Promise<Drained> => {
    const tally = new Tally(events);
    const began = performance.now();
    let lastAt = began;
    const consumer = await consume<CommitcastEvent<{ n: number }>>(
      { databaseUrl, name: 'drain', ...(batch !== undefined && { batch }) },
      (_, page) => {
        for (const { data } of page) tally.take(data.n);
        lastAt = performance.now();
      },
    );
    await until(() => tally.missed === 0, { timeoutMs: 300_000, message: 'the last event' });
    // Returns when the transaction in hand has committed: what were handled again would come by then.
    await consumer.stop();
    return drained(tally, (lastAt - began) / 1_000);
  },
});
