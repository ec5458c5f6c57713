import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgresServer } from '../support/postgres-server.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { killInstances } from './rolling/instance.ts';
import { buildVersion, describeRef, refBeforeNewestMigration } from './rolling/old-version.ts';
import { upgradeRolling } from './rolling/run.ts';

/**
 * `tsx test/upgrade/rolling.ts [--ref <commit>] [--transactions 100] [--minutes 3]`: a cluster of the version of that
 * commit is upgraded to this one while writers, clients and a consumer go on. Exits with 1 when a transaction failed, when
 * a client or the consumer missed an event, had one twice or out of order, or when it took too long.
 */
const { values } = parseArgs({
  options: {
    ref: { type: 'string' },
    transactions: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '3' },
  },
});
const [transactions, minutes] = [Number(values.transactions), Number(values.minutes)];
if (!Number.isSafeInteger(transactions) || transactions < 1 || !(minutes > 0))
  throw new Error('--transactions and --minutes are numbers above 0');

const began = performance.now();
const print = (line: string) => {
  const seconds = Math.round((performance.now() - began) / 1_000);
  process.stdout.write(`${String(seconds).padStart(4)} s  ${line}\n`);
};

const folder = await mkdtemp(join(tmpdir(), 'commitcast-rolling-'));
const server = await startPostgresServer();
print(`Postgres: ${server.reason}`);
const patience = AbortSignal.timeout(minutes * 60_000);
patience.addEventListener('abort', killInstances, { once: true });
try {
  const ref = values.ref ?? (await refBeforeNewestMigration());
  print(`the old version: ${await describeRef(ref)}`);
  const old = await buildVersion(ref, join(folder, 'old'));
  print('it is built');
  const { problems, looked } = await upgradeRolling({
    serverUrl: server.url,
    old,
    folder,
    random: createRandom(chooseSeed('rolling')),
    transactions,
    print,
    signal: patience,
  });
  print(
    `${looked.facts} events were committed; clients saw ${looked.events} over ${looked.drops} lost connections, ` +
      `the consumer handled ${looked.consumed}`,
  );
  for (const problem of problems) print(`PROBLEM: ${problem}`);
  print(problems.length === 0 ? 'Nobody missed an event, had one twice, or out of order.' : 'FAILED');
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  print(patience.aborted ? `FAILED: it took longer than ${minutes} minutes` : `FAILED: ${String(error)}`);
  process.exitCode = 1;
} finally {
  killInstances();
  await rm(folder, { recursive: true, force: true });
  await server.stop();
}
