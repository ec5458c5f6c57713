import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { pageOf, replaceSection } from './markdown.ts';
import { plot } from './plot.ts';
import { mergeResults, readResults, type RowResult } from './results.ts';

const emptyPage = '# Benchmarks\n\n<!-- results -->\n<!-- /results -->\n';

/** Writes these rows, and keeps all others: `results.json`, the page, and a plot for each row. */
export async function writeReport(folder: string, fresh: readonly RowResult[]): Promise<void> {
  await mkdir(join(folder, 'rows'), { recursive: true });
  const results = join(folder, 'results.json');
  const rows = mergeResults(await readResults(results), fresh);
  await writeFormatted(results, JSON.stringify({ rows }));
  const page = join(folder, 'README.md');
  const written = await readFile(page, 'utf8').catch(() => emptyPage);
  await writeFormatted(page, replaceSection(written, 'results', pageOf(rows)));
  for (const row of fresh) {
    await writeFile(join(folder, 'rows', `${String(row.number).padStart(2, '0')}.svg`), plot(row));
  }
}

/** As `npm run format` would leave it, or every run would break the check of the format. */
async function writeFormatted(path: string, text: string): Promise<void> {
  const config = await resolveConfig(path);
  await writeFile(path, await format(text, { ...config, filepath: path }));
}
