import { parseArgs } from 'node:util';
import { startPostgresServer } from '../support/postgres-server.ts';
import { chooseSeed, createRandom } from '../support/random.ts';
import { showMigration } from '../../src/cli/migrate-progress.ts';
import { firstVersion, migrations } from './old-database.ts';
import { upgradeUnderWriters } from './upgrade.ts';

/**
 * `tsx test/upgrade/million.ts [--events 1000000] [--minutes 10]`: the first version's database with so many events is
 * brought up to date while writers run. Exits with 1 when a transaction failed, when anything was lost, doubled, altered
 * or put out of order, or when it took too long.
 */
const { values } = parseArgs({
  options: { events: { type: 'string', default: '1000000' }, minutes: { type: 'string', default: '10' } },
});
const [events, minutes] = [Number(values.events), Number(values.minutes)];
if (!Number.isSafeInteger(events) || events < 1 || !(minutes > 0))
  throw new Error('--events and --minutes are numbers above 0');

const began = performance.now();
const print = (line: string) => {
  const seconds = Math.round((performance.now() - began) / 1_000);
  process.stdout.write(`${String(seconds).padStart(4)} s  ${line}\n`);
};
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
/** A line for each twentieth of the events. */
const lineEvery = Math.max(1, Math.floor(events / 20));
let shown = 0;

const server = await startPostgresServer();
print(`Postgres: ${server.reason}`);
const patience = AbortSignal.timeout(minutes * 60_000);
try {
  const upgraded = await upgradeUnderWriters({
    serverUrl: server.url,
    from: firstVersion,
    past: events,
    random: createRandom(chooseSeed('upgrade')),
    transactions: 200,
    written: (count) => {
      if (count < events && count - shown < lineEvery) return;
      shown = count;
      print(`${count} of ${events} events are in the log`);
    },
    begins: (count) => print(`${count} transactions were committed; the migration begins`),
    report: showMigration(process.stdout),
    signal: patience,
  });
  const { problems, looked, migrateMs, longestMs, transactions } = upgraded;
  print(
    `${migrations[firstVersion]?.tag} to ${migrations.at(-1)?.tag} with ${looked.past} events: ${seconds(migrateMs)}; ` +
      `of ${transactions} transactions of four writers the longest took ${seconds(longestMs)}`,
  );
  for (const problem of problems) print(`PROBLEM: ${problem}`);
  print(
    problems.length === 0 ? 'No transaction failed; nothing was lost, doubled or out of order.' : 'FAILED',
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  print(patience.aborted ? `FAILED: it took longer than ${minutes} minutes` : `FAILED: ${String(error)}`);
  process.exitCode = 1;
} finally {
  await server.stop();
}
