/* emmett: a reactor over the whole event store, which reads in batches; reactors of 0.42 have no handler of batches. */
import { getPostgreSQLEventStore, postgreSQLEventStoreConsumer } from '@event-driven-io/emmett-postgresql';
import { answer } from './answer.mjs';
import { chunks, dataOf, Tally } from './drain-tally.mjs';

const batchSize = 1_000;

let connectionString;
let tally;

answer({
  prepare: async ({ databaseUrl, events }) => {
    connectionString = databaseUrl;
    const store = getPostgreSQLEventStore(connectionString);
    await store.schema.migrate();
    for (const numbers of chunks(events)) {
      await store.appendToStream(
        `unit-${numbers[0] % 100}`,
        numbers.map((n) => ({ type: 'reading.recorded', data: dataOf(n) })),
      );
    }
    await store.close();
    tally = new Tally(events);
  },
  drain: async () => {
    const consumer = postgreSQLEventStoreConsumer({ connectionString, pulling: { batchSize } });
    consumer.reactor({
      processorId: 'drain',
      startFrom: 'BEGINNING',
      eachMessage: ({ data }) => {
        tally.take(data.n);
        tally.done();
      },
    });
    const all = tally.all();
    tally.begin();
    // It runs until it is closed, or has failed.
    await Promise.race([all, consumer.start()]);
    await consumer.close();
    return tally.result;
  },
});
