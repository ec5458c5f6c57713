/* Cost against writers, sockets, rooms, instances and log size: see docs/benchmarks/scaling.md. Exit code 0 when every
   client got everything, once and in order. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Releasers } from '../../src/core/service.ts';
import { planCores } from './harness/cores.ts';
import { describeMachine } from './harness/machine.ts';
import { showSeconds } from './harness/numbers.ts';
import { startPostgres } from './harness/postgres.ts';
import { findCommit } from './harness/versions.ts';
import { busyShare } from './scaling/busy.ts';
import { parseScalingCommandLine, usage, type ScalingOptions } from './scaling/options.ts';
import { writeSweep } from './scaling/report.ts';
import { runSweep } from './scaling/run-sweep.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    console.error(`\n${signal}: what runs is ended`);
    interrupted.abort(new Error(`${signal}: interrupted`));
  });
}

// Children find their packages from here, whoever calls from where.
process.chdir(new URL('../..', import.meta.url).pathname);
let options: ScalingOptions;
try {
  options = parseScalingCommandLine(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`);
  process.exit(2);
}

const releasers = new Releasers();
try {
  await run(options);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await releasers.release();
}
// Not by itself: what was interrupted may leave a timer behind.
process.exit();

async function run({ sweeps, size, rounds, output }: ScalingOptions): Promise<void> {
  const cores = planCores();
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-scaling-'));
  releasers.add(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startPostgres(folder, cores.server);
  releasers.add(() => postgres.stop());
  const machine = await describeMachine(postgres, folder, cores);
  const commit = await findCommit();
  console.log(`${JSON.stringify(machine)}\ncommit ${commit}, ${size}, ${rounds} rounds`);
  const { signal } = interrupted;
  const began = performance.now();
  for (const sweep of sweeps) {
    await postgres.checkpoint();
    const result = await runSweep({
      sweep,
      setting: { size, cores, postgresUrl: postgres.url, signal, progress: () => undefined },
      run: { commit, size, rounds },
      machine,
      busy: await busyShare(),
      say: (line) => console.log(line),
    });
    for (const problem of result.problems) console.log(`${sweep.name}: not counted: ${problem}`);
    if (result.problems.length > 0) process.exitCode = 1;
    // After each sweep: whoever ends the run keeps what is complete.
    if (output !== undefined) await writeSweep(output, result);
  }
  console.log(`${sweeps.length} sweeps in ${showSeconds((performance.now() - began) / 1_000)}`);
}
