/* The plain outbox: rows are taken with SKIP LOCKED, emitted, and deleted in the same transaction. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { answer } from './answer.mjs';
import { startEmitter } from './emit.mjs';

const batchSize = 100;
const pollMs = 5;

answer({
  start: async (connectionString) => {
    const { port, emit } = await startEmitter();
    const client = new Client({ connectionString });
    await client.connect();
    await client.query(
      'create table outbox (id bigint generated always as identity primary key, payload jsonb not null)',
    );
    void drain(client, emit);
    return port;
  },
});

async function drain(client, emit) {
  for (;;) {
    await client.query('begin');
    const { rows } = await client.query({
      name: 'take',
      text: `select id, payload from outbox order by id limit ${batchSize} for update skip locked`,
    });
    for (const { payload } of rows) emit(payload);
    if (rows.length > 0) {
      const ids = rows.map(({ id }) => id);
      await client.query({
        name: 'delete',
        text: 'delete from outbox where id = any($1::bigint[])',
        values: [ids],
      });
    }
    await client.query('commit');
    if (rows.length < batchSize) await sleep(pollMs);
  }
}
