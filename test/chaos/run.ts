/* `npm run chaos`: see docs/chaos.md. Exit code 0 when every promise was kept. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runChaos } from './chaos.ts';
import { drawChart } from './chart.ts';
import { parseCommandLine, usage, type ChaosOptions, type CommandLine } from './options.ts';
import { formatSummary, summarise } from './summary.ts';

let commandLine: CommandLine;
try {
  commandLine = parseCommandLine(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`);
  process.exit(2);
}
const { out, ...wanted } = commandLine;
const folder = out === undefined ? await mkdtemp(join(tmpdir(), 'chaos-')) : resolve(out);
await mkdir(folder, { recursive: true });

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    console.error(`${signal}: no more faults; the run is judged and ends`);
    interrupted.abort();
  });

const options: ChaosOptions = { ...wanted, print: console.log, signal: interrupted.signal };
console.log(`seed ${options.seed}, ${options.seconds} s; written to ${folder}`);
const result = await runChaos(options, folder);
const summary = summarise(options, result, new Date());
const text = formatSummary(summary);
console.log(`\n${text}`);
await writeFile(join(folder, 'chaos.txt'), `${text}\n`);
await writeFile(join(folder, 'chaos.svg'), drawChart(summary, result));
await writeFile(join(folder, 'chaos.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
console.log(`written to ${folder}: chaos.txt, chaos.svg, chaos.json`);
// Not by itself: with connections that a proxy has reset, Node 20 may never come to the end of its own cleaning up.
process.exit(summary.ok ? 0 : 1);
