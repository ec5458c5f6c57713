/* pg-transactional-outbox, with its polling listener: the other one needs wal_level = logical and a slot. */
import { Client } from 'pg';
import { DatabaseSetup, getDisabledLogger, initializePollingMessageListener } from 'pg-transactional-outbox';
import { answer } from './answer.mjs';
import { startEmitter } from './emit.mjs';

answer({
  start: async (connectionString) => {
    const { port, emit } = await startEmitter();
    const setup = {
      outboxOrInbox: 'outbox',
      database: new URL(connectionString).pathname.slice(1),
      schema: 'public',
      table: 'outbox',
      listenerRole: 'nobody',
      nextMessagesName: 'next_outbox_messages',
    };
    const client = new Client({ connectionString });
    await client.connect();
    await client.query(DatabaseSetup.dropAndCreateTable(setup));
    await client.query(DatabaseSetup.createPollingFunction(setup));
    await client.query(DatabaseSetup.setupPollingIndexes(setup));
    await client.end();
    initializePollingMessageListener(
      {
        outboxOrInbox: 'outbox',
        dbListenerConfig: { connectionString, max: 20 },
        settings: {
          dbSchema: 'public',
          dbTable: 'outbox',
          nextMessagesFunctionName: setup.nextMessagesName,
          nextMessagesBatchSize: 20,
          nextMessagesPollingIntervalInMs: 5,
          enableMaxAttemptsProtection: false,
          enablePoisonousMessageProtection: false,
        },
      },
      {
        handle: ({ payload }) => {
          emit(payload);
          return Promise.resolve();
        },
      },
      getDisabledLogger(),
    );
    return port;
  },
});
