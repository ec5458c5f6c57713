/* `npm run bench`: see docs/benchmarks. Exit code 0 when all of ours was measured, and every client got everything. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Releasers } from '../../src/core/service.ts';
import { loadRow, rowFiles } from './harness/all-rows.ts';
import { planCores } from './harness/cores.ts';
import { describeMachine } from './harness/machine.ts';
import { measure } from './harness/measure.ts';
import { showSeconds, showSpread } from './harness/numbers.ts';
import { parseCommandLine, usage, type Options } from './harness/options.ts';
import { installPeers } from './harness/peers.ts';
import { startPostgres } from './harness/postgres.ts';
import { Progress } from './harness/progress.ts';
import { writeReport } from './harness/report.ts';
import type { RowResult } from './harness/results.ts';
import { chosenVariants, runRow } from './harness/run-row.ts';
import { RunState } from './harness/state.ts';
import { findCommit, findVersions } from './harness/versions.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    console.error(`\n${signal}: what runs is ended`);
    interrupted.abort(new Error(`${signal}: interrupted; --resume goes on from here`));
  });
}

// Children find their packages from here, whoever calls from where.
process.chdir(new URL('../..', import.meta.url).pathname);
let options: Options;
try {
  options = parseCommandLine(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`);
  process.exit(2);
}

const releasers = new Releasers();
let results: RowResult[] = [];
try {
  results = await run(options);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await releasers.release();
}
for (const result of results) printResult(result);
if (results.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
// Not by itself: what was interrupted may leave a timer behind.
process.exit();

async function run({ size, only, rounds, resume, output }: Options): Promise<RowResult[]> {
  const rows = await Promise.all(rowFiles(only).map(loadRow));
  const problem = size === 'smoke' ? undefined : await installPeers(console.log);
  if (problem !== undefined) console.log(`Without some peers: ${problem}`);

  const cores = planCores();
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-bench-'));
  releasers.add(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startPostgres(folder, cores.server);
  releasers.add(() => postgres.stop());
  const machine = await describeMachine(postgres, folder, cores);
  const about = { commit: await findCommit(), size, rounds };
  console.log(`${JSON.stringify(machine)}\ncommit ${about.commit}, ${size}, ${rounds} rounds`);

  const key = JSON.stringify({ ...about, only, machine: { ...machine, fdatasyncUs: undefined } });
  const state = await RunState.open(output, key, resume ? 'always' : size === 'full' ? 'if-same' : 'never');
  if (state.size > 0) console.log(`Going on with the run that was interrupted: ${state.size} measurements`);
  const total = rows.reduce((sum, row) => sum + chosenVariants(row, size).length * rounds, 0);
  const progress = new Progress(process.stdout, total);
  const versions = await findVersions();
  const began = performance.now();

  const done: RowResult[] = [];
  for (const row of rows) {
    const result = await runRow({
      row,
      run: { ...about, versions },
      machine,
      progress,
      state,
      measure: async (variant) => {
        await postgres.checkpoint();
        return measure(row, variant, {
          size,
          cores,
          postgresUrl: postgres.url,
          signal: interrupted.signal,
          progress: (text) => progress.detail(text),
        });
      },
    });
    done.push(result);
    // After each row: whoever ends the run keeps what is complete.
    if (output !== undefined) await writeReport(output, [result]);
  }
  await state.forget();
  progress.say(
    `${rows.length === 1 ? '1 row' : `${rows.length} rows`} in ${showSeconds((performance.now() - began) / 1_000)}`,
  );
  return done;
}

function printResult({ number, title, goals, problems }: RowResult): void {
  console.log(`\n${number}. ${title}`);
  for (const problem of problems) console.log(`   not counted: ${problem}`);
  for (const { text, verdict, spread } of goals) {
    console.log(`   ${verdict.padEnd(12)} ${text}${spread ? `: ${showSpread(spread)}` : ''}`);
  }
}
