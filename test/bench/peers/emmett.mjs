/*
 * Emmett: events in its message table, a reactor that pulls them as often as it can be told to. After a batch that is not
 * full it waits twice as long as before, so the batch that gives the lowest latency depends on the rate.
 */
import { getPostgreSQLEventStore, postgreSQLEventStoreConsumer } from '@event-driven-io/emmett-postgresql';
import { answer } from './answer.mjs';
import { startEmitter } from './emit.mjs';

// Its own handler closes the processor without a connection, and throws.
process.on('SIGTERM', () => process.exit());

answer({
  start: async ({ connectionString, batchSize }) => {
    const { port, emit } = await startEmitter();
    const store = getPostgreSQLEventStore(connectionString);
    await store.schema.migrate();
    await store.close();
    const consumer = postgreSQLEventStoreConsumer({
      connectionString,
      pulling: { batchSize, pullingFrequencyInMs: 1 },
    });
    consumer.reactor({
      processorId: 'emit',
      startFrom: 'BEGINNING',
      eachMessage: ({ data }) => {
        emit(data);
      },
    });
    consumer.start().catch((error) => {
      throw error;
    });
    return port;
  },
});
