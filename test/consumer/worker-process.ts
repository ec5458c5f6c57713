/* A process with a consumer, for tests that kill or freeze it. See start-worker.ts. */
import { once } from 'node:events';
import { createWorker } from '../../src/http/worker.ts';
import { writeLines } from './ledger.ts';
import type { WorkerReport, WorkerScript } from './start-worker.ts';

const { databaseUrl, options, at, fate } = JSON.parse(process.argv[2] ?? '') as WorkerScript;
const say = (report: WorkerReport) => {
  console.log(JSON.stringify(report));
};
const worker = createWorker({ databaseUrl });
worker.consume(options, async (tx, events) => {
  await writeLines(tx, options.name, events);
  if (!events.some(({ data }) => data === at)) return;
  if (fate === 'exit') process.exit(1);
  const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
  say({ kind: 'at', pid: rows[0]?.pid ?? 0 });
  await tx.query('select pg_advisory_xact_lock_shared($1)', [heldKey()]);
});
await worker.start();
say({ kind: 'started' });
await once(process.stdin.resume(), 'end');
await worker.stop();

function heldKey(): number {
  if (fate === 'exit') throw new Error('it has ended');
  return fate.key;
}
