/* graphile-worker with ten jobs at once; it takes and completes each job by itself. */
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { Client } from 'pg';
import { answer } from './answer.mjs';
import { chunks, dataOf, Tally } from './drain-tally.mjs';

const logger = new Logger(() => () => undefined);
const concurrency = 10;

let connectionString;
let tally;

answer({
  prepare: async ({ databaseUrl, events }) => {
    connectionString = databaseUrl;
    const utils = await makeWorkerUtils({ connectionString, logger });
    await utils.migrate();
    await utils.release();
    const client = new Client(connectionString);
    await client.connect();
    for (const numbers of chunks(events)) {
      const specs = numbers.map((n) => ({ identifier: 'event', payload: dataOf(n) }));
      await client.query(
        `select count(*) from graphile_worker.add_jobs(
           array(select json_populate_recordset(null::graphile_worker.job_spec, $1::json)))`,
        [JSON.stringify(specs)],
      );
    }
    await client.end();
    tally = new Tally(events);
  },
  drain: async () => {
    const all = tally.all();
    tally.begin();
    const runner = await run({
      connectionString,
      concurrency,
      logger,
      noHandleSignals: true,
      taskList: {
        event: ({ n }) => {
          tally.take(n);
          tally.done();
        },
      },
    });
    await all;
    await runner.stop();
    return tally.result;
  },
});
