/* graphile-worker: a job for each event, workers woken by NOTIFY. */
import { Logger, run } from 'graphile-worker';
import { answer } from './answer.mjs';
import { startEmitter } from './emit.mjs';

answer({
  start: async (connectionString) => {
    const { port, emit } = await startEmitter();
    await run({
      connectionString,
      concurrency: 10,
      maxPoolSize: 12,
      // Only for jobs of which no notification came.
      pollInterval: 1_000,
      noHandleSignals: true,
      logger: new Logger(() => () => undefined),
      taskList: {
        emit: (data) => {
          emit(data);
        },
      },
    });
    return port;
  },
});
