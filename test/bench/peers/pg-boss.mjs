/* pg-boss: a job for each event, polled as often as it allows. */
import PgBoss from 'pg-boss';
import { answer } from './answer.mjs';
import { startEmitter } from './emit.mjs';

answer({
  start: async (connectionString) => {
    const { port, emit } = await startEmitter();
    const boss = new PgBoss({ connectionString });
    await boss.start();
    await boss.createQueue('emit');
    await boss.work('emit', { batchSize: 1_000, pollingIntervalSeconds: 0.5 }, (jobs) => {
      for (const { data } of jobs) emit(data);
      return Promise.resolve();
    });
    return port;
  },
});
