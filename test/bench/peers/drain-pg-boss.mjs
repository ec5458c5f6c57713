/* pg-boss as its documents say for many small jobs: they are fetched and completed in batches. */
import PgBoss from 'pg-boss';
import { answer } from './answer.mjs';
import { chunks, dataOf, Tally } from './drain-tally.mjs';

const queue = 'events';
const batchSize = 1_000;

let boss;
let tally;

answer({
  prepare: async ({ databaseUrl, events }) => {
    boss = new PgBoss({ connectionString: databaseUrl });
    // Its maintenance may meet the end of the database; nothing that is measured depends on it.
    boss.on('error', () => undefined);
    await boss.start();
    await boss.createQueue(queue);
    for (const numbers of chunks(events)) {
      await boss.insert(numbers.map((n) => ({ name: queue, data: dataOf(n) })));
    }
    tally = new Tally(events);
  },
  drain: async () => {
    tally.begin();
    for (;;) {
      const jobs = await boss.fetch(queue, { batchSize });
      if (jobs.length === 0) break;
      for (const { data } of jobs) tally.take(data.n);
      await boss.complete(
        queue,
        jobs.map(({ id }) => id),
      );
      tally.done();
    }
    await boss.stop({ graceful: false });
    return tally.result;
  },
});
