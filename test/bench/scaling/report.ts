import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { linePlot } from '../harness/line-plot.ts';
import { replaceSection } from '../harness/markdown.ts';
import { allSweeps } from './all-sweeps.ts';
import { sectionOf } from './page.ts';
import { seenAt, type Point, type SweepResult } from './run-sweep.ts';

const emptyPage = [
  '# Scaling\n',
  ...allSweeps.map(({ name, title }) => `## ${title}\n\n<!-- ${name} -->\n<!-- /${name} -->\n`),
].join('\n');

/** Writes this sweep, and keeps all others: `scaling.json`, its section of the page, and its plot. */
export async function writeSweep(folder: string, result: SweepResult): Promise<void> {
  await mkdir(join(folder, 'scaling'), { recursive: true });
  const results = join(folder, 'scaling.json');
  const others = (await readSweeps(results)).filter(({ name }) => name !== result.name);
  await writeFormatted(results, JSON.stringify({ sweeps: [...others, result].toSorted(byPage) }));
  const page = join(folder, 'scaling.md');
  const written = await readFile(page, 'utf8').catch(() => emptyPage);
  await writeFormatted(page, replaceSection(written, result.name, sectionOf(result)));
  await writeFile(join(folder, 'scaling', `${result.name}.svg`), plotOf(result));
}

export function plotOf({ title, axis, charts, points, problems }: SweepResult): string {
  return linePlot({
    title: problems.length > 0 ? `${title} — not counted` : title,
    x: axis,
    panels: charts.map(({ title: panel, unit, lines }) => ({
      title: panel,
      unit,
      lines: lines.map(({ metric, ...line }) => ({ ...line, points: pointsOf(points, metric) })),
    })),
  });
}

function pointsOf(points: readonly Point[], metric: string) {
  return points.flatMap((point) => {
    const spread = seenAt(point, metric);
    return spread ? { at: point.at, ...spread } : [];
  });
}

/** None when there is no file; one that cannot be read is an error, lest it be overwritten. */
export async function readSweeps(file: string): Promise<SweepResult[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"sweeps":[]}';
    throw error;
  });
  return (JSON.parse(text) as { sweeps: SweepResult[] }).sweeps;
}

function byPage(one: SweepResult, other: SweepResult): number {
  return placeOf(one) - placeOf(other);
}

function placeOf({ name }: SweepResult): number {
  return allSweeps.findIndex((sweep) => sweep.name === name);
}

/** As `npm run format` would leave it, or every run would break the check of the format. */
async function writeFormatted(path: string, text: string): Promise<void> {
  const config = await resolveConfig(path);
  await writeFile(path, await format(text, { ...config, filepath: path }));
}
